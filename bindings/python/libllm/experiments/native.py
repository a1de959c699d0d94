"""stub"""
def extract(e,t): return t.strip() or None
def normalize(t): return t.strip().lower()
def open_engine(p,o): raise NotImplementedError
