"""Words that are one token each: what sentences are held together by, and verbs. All others are spelled letter by letter."""

from . import verbs
from . import words as w

_FUNCTION = """a about after afterwards again ago ahead all almost alone along already also altogether am an and another any anyone
anyway are around as asked at back backwards be because been before began begin beginning begins behind belong belongs
beside between both but by calculate called can cannot compute cost costs could decrease decreased deduct degrees did
difference do does doing done down during each either else end enough equal equals evaluate even ever every everybody
everyone everything everywhere exactly examples extra fewer find finally first following for former forward from
further get give go good had has have having he help helped helpful helps her here him himself his how however if in
increase increased inside instead into is it its itself just know larger last later least left less let letter letters
like little long look looked lot lots made make makes many may maybe me means might mine minus missing more morning
evening afternoon most much must my named near need needed needs neither never new next no nobody none nor not nothing
now number of off often on once one ones online only opposite or other others our out outside over own owned owns page
per plain please plus plural possess possessed possesses probably put rather really remain remained remaining remains
repeat rest result reverse round same saw say see seem sees several shall she should since so solve some somebody
someone something somewhere soon start started starting starts stay stayed stays still subtract such suddenly sum
suppose take taken tell than thank that the their them then there these they thing things think this those thought
though three through till to today together told tomorrow tonight too total toward try turned twice two under
unfortunately until up upon us use used very wait want wanted wants was way we well went were what when where whether
which while who whole whose why will with within without word words work worked would wrong yes yesterday yet you your
cheaper colder warmer higher lower older younger taller longer shorter sadly luckily answer answers question step
steps follow example assistant user system input output label text bot monday tuesday wednesday thursday friday
saturday sunday day days week weeks weekend night noon time times hour hours minutes dollars cents euros meters miles
points pages years year money account balance price temperature kilometers said lived loved loves laughed smiled cried
felt knew heard woke kept played sang danced met sits stood stands stand sit waited counted count counts cm kg km
ounces pounds grams liters mr mrs i he's don't adds correct show shows showed explain spell spelled vowels length
happily ready sorry capital capitals sentence brackets upper case tense past five four six seven eight nine ten eleven
twelve zero read reads reading wrote plays play playing weigh weighs weighed high deep far old additional away home
aunt neighbor third percent feet yards metres litres clock lunch dinner people children men women girls boys girl boy
guests passengers students team shop row floor level square birthday goal class""".split()
# The spelling of a token can only be learnt by heart, so a word that heldout/ asks for is none.
WORDS = sorted((set(_FUNCTION) | set(verbs.FORMS)) - w.RESERVED_WORDS)
SIGNS = [" ->", " =>", " -", " +", " =", " *", "\n\n", "?\n", ".\n", ".\n\n", " -->", ' "', " (", "Let", "'s", "Q", "A", " Q", " A", " I", "|"]
