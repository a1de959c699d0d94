"""Words, and which of them are kept for the evaluation."""

import zlib

HELD_OUT_ONE_IN = 6


def held(role, item):
    """True for the items of a role that training never shows; the rule is a checksum, so it never moves."""
    return zlib.crc32(f"{role}:{item}".encode()) % HELD_OUT_ONE_IN == 0


GIRLS = "Anna Mia Lily Rosa Emma Nora Clara Ella Lucy Maya Zoe Ivy Sara Tina Daisy June Kate Amy Ruby Olga".split()
BOYS = "Tom Ben Max Sam Leo Jack Finn Oscar Paul Tim Dan Hugo Noah Adam Peter Felix Ray Otto Carl Luke".split()

ANIMALS = """cat dog fox bear rabbit mouse frog duck owl hen pig goat sheep horse cow lion tiger wolf deer
squirrel turtle bird fish bee ant snail hedgehog monkey elephant penguin""".split()

CATEGORIES = {
    "animal": ANIMALS,
    "food": """bread cheese apple cake soup rice pie egg honey butter pear plum carrot potato tomato bean onion
        nut melon lemon cherry pancake biscuit noodle""".split(),
    "color": "red blue green yellow black white brown pink purple orange gray gold silver".split(),
    "tool": "hammer saw rake spade needle brush knife axe shovel drill broom ladder scissors bucket".split(),
    "clothes": "hat coat scarf shirt dress sock shoe boot glove skirt belt cap jacket sweater".split(),
    "body": "hand foot nose ear eye arm leg knee head neck mouth finger toe back".split(),
    "plant": "tree flower grass rose oak bush fern moss daisy tulip pine reed".split(),
    "vehicle": "car bus train boat ship truck bike plane wagon tram sled cart".split(),
}

OPPOSITES = """hot cold|big small|fast slow|up down|in out|day night|old new|happy sad|open closed|full empty|bright dark
wet dry|high low|hard soft|long short|good bad|left right|early late|loud quiet|clean dirty|rich poor|strong weak
thick thin|near far|first last|young elderly|sweet sour|true false|yes no|win lose|push pull|give take|buy sell|start stop
come go|laugh cry|love hate|front rear|top bottom|above below|inside outside|always never|brave afraid|heavy light
wide narrow|deep shallow|sharp blunt|smooth rough|safe dangerous|wild tame|kind cruel|asleep awake|summer winter
morning evening|sunrise sunset|north south|east west|king queen|boy girl|father mother|brother sister|friend enemy
question answer|begin end|find miss|remember forget|arrive leave|rise fall""".replace("\n", "|").split("|")
OPPOSITES = [tuple(p.split()) for p in OPPOSITES]

IRREGULAR = {
    "mouse": "mice", "sheep": "sheep", "deer": "deer", "fish": "fish", "wolf": "wolves", "foot": "feet", "knife": "knives",
    "child": "children", "man": "men", "woman": "women", "tooth": "teeth", "leaf": "leaves", "goose": "geese",
    "scissors": "scissors", "clothes": "clothes", "grass": "grass", "moss": "moss", "rice": "rice", "bread": "bread",
    "butter": "butter", "honey": "honey",
}

THINGS = """ball book cup key lamp box bag drum kite doll coin stone shell button ribbon ring bell clock map letter
pencil candle basket blanket pillow mirror bottle plate spoon feather flute whistle crown lantern marble toy chair table
door window wall roof bridge road river hill cloud star moon sun rain snow wind fire song game story picture garden
house farm school shop market castle tower cave island forest field lake pond beach village town city""".split()

COUNTED = """apples pears plums nuts eggs cakes coins stones shells buttons balls books cups pencils stickers marbles
beads cards stamps flowers carrots potatoes cookies candles kites toys leaves ribbons keys lemons""".split()

BOXES = "box bag basket jar tray shelf drawer crate".split()

NOUNS = sorted({w for ws in CATEGORIES.values() for w in ws} | set(THINGS))
EVERYDAY = sorted(set(NOUNS) | {w for p in OPPOSITES for w in p})
DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
MONTHS = "January February March April May June July August September October November December".split()
NUMBER_WORDS = "zero one two three four five six seven eight nine ten eleven twelve".split()
LETTERS = "abcdefghijklmnopqrstuvwxyz"

OTHERS = sorted(set(GIRLS + BOYS + COUNTED + DAYS + MONTHS + NUMBER_WORDS) | set("""lazy shy brave curious hungry gentle proud glad tired
worried together everyone nobody something suddenly walk sing dance run jump climb paint read play eat drink sleep dream
plant water seed leaf storm thunder friend gift race basket market valley edge first second third very many more often
because while until again away home here there other some every never""".split()) - set(EVERYDAY))


def invented(rng):
    """A word that does not exist."""
    return "".join(rng.choice("b c d f g h k l m n p r s t v z br cl dr fl gr pl sk sl st tr".split()) + rng.choice("aeiou")
                   for _ in range(rng.choice((1, 2, 2, 3)))) + rng.choice(("", "", "n", "l", "r", "m", "s", "t", "p"))


def plural(word):
    if word in IRREGULAR:
        return IRREGULAR[word]
    if word.endswith(("s", "x", "ch", "sh")):
        return word + "es"
    if word.endswith("y") and word[-2] not in "aeiou":
        return word[:-1] + "ies"
    if word in ("potato", "tomato"):
        return word + "es"
    return word + "s"


def singular(word):
    for end, to in (("ies", "y"), ("oes", "o"), ("ves", "f"), ("s", "")):
        if word.endswith(end) and word not in ("cookies",):
            return word[: -len(end)] + to
    return word[:-1]


def kept(role, items):
    """The items of a role for training, and those for the evaluation."""
    return [i for i in items if not held(role, i)], [i for i in items if held(role, i)]
