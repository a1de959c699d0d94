"""Words, and which of them are kept for the evaluation."""

import os
import zlib

HELD_OUT_ONE_IN = 6


def _lines(name):
    with open(os.path.join(os.path.dirname(__file__), "..", "heldout", name), encoding="utf-8") as f:
        return [line.split() for line in f if line.strip()]


# What heldout/ asks: no letter task shows one of these words, no task by examples one of these pairs.
RESERVED_WORDS = {x.lower() for x, in _lines("words.txt")}
RESERVED_PAIRS = [tuple(pair) for pair in _lines("opposites.tsv")]
RESERVED_OPPOSITES = {x for pair in RESERVED_PAIRS for x in pair}
RESERVED_PLURALS = {x for pair in _lines("plurals.tsv") for x in pair}


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
question answer|begin end|find miss|remember forget|arrive leave|rise fall|cheap expensive|easy difficult|alive dead|ugly beautiful|polite rude|lazy busy|male female|man woman|son daughter|uncle aunt
hello goodbye|tall small|tight loose|calm nervous|simple complex|early late|many few|more less|most least|before after|over under
here there|together apart|accept refuse|attack defend|build destroy|catch throw|enter exit|lend borrow|lead follow|live die|save waste
send receive|sink float|sleep wake|sit stand|teach learn|whisper shout|add subtract|increase decrease|multiply divide|appear vanish
succeed fail|hide show|lock unlock|pack unpack|tie untie|fold unfold|agree disagree|like dislike|trust distrust|lucky unlucky
happy unhappy|fair unfair|known unknown|able unable|possible impossible|visible invisible|correct wrong|ancient modern|broad narrow
careful careless|clear cloudy|clever stupid|cool warm|cooked raw|curved straight|dull bright|empty full|even odd|false true|fat thin
fresh stale|generous greedy|guilty innocent|healthy sick|honest dishonest|huge tiny|humble proud|lost found|major minor|mean nice
merry gloomy|mild harsh|moist dry|negative positive|noisy silent|normal strange|patient impatient|perfect imperfect|permanent temporary
plural singular|private public|pure dirty|quick slow|rare common|ripe unripe|rough gentle|senior junior|single married|sober drunk
solid liquid|sour sweet|spicy bland|steep flat|strict lenient|sunny rainy|tender tough|tired fresh|upper lower|useful useless|vertical horizontal
victory defeat|war peace|wealth poverty|wise foolish|work play|wrong right|zenith nadir|hero villain|heaven hell|joy sorrow|hope despair
profit loss|past future|entrance exit|master servant|teacher student|host guest|buyer seller|predator prey|giant dwarf|prince princess|nephew niece
husband wife|gentleman lady|bull cow|lion lioness|actor actress|beginning end|ceiling floor|head tail|sky earth|land sea|light dark|noon midnight
spring autumn|birth death|success failure|truth lie|freedom slavery|strength weakness|length width|height depth|summit base|left right|forward backward
upstairs downstairs|often seldom|everything nothing|everybody nobody|with without|inner outer|on off|to from|now later|plus minus|maximum minimum""".replace("\n", "|").split("|")
OPPOSITES = list({frozenset(p.split()): tuple(p.split()) for p in OPPOSITES if len(set(p.split())) == 2}.values())

IRREGULAR = {
    "mouse": "mice", "sheep": "sheep", "deer": "deer", "fish": "fish", "wolf": "wolves", "foot": "feet", "knife": "knives",
    "child": "children", "man": "men", "woman": "women", "tooth": "teeth", "leaf": "leaves", "goose": "geese",
    "scissors": "scissors", "clothes": "clothes", "grass": "grass", "moss": "moss", "rice": "rice", "bread": "bread",
    "butter": "butter", "honey": "honey", "person": "people", "ox": "oxen", "louse": "lice", "half": "halves", "shelf": "shelves", "thief": "thieves",
    "loaf": "loaves", "calf": "calves", "wife": "wives", "life": "lives", "elf": "elves", "scarf": "scarves", "hoof": "hooves", "hero": "heroes",
    "potato": "potatoes", "tomato": "tomatoes", "echo": "echoes", "policeman": "policemen", "fireman": "firemen", "snowman": "snowmen", "moose": "moose",
    "salmon": "salmon", "series": "series", "cactus": "cacti", "salt": "salt", "sand": "sand", "furniture": "furniture", "milk": "milk", "money": "money",
}

THINGS = """ball book cup key lamp box bag drum kite doll coin stone shell button ribbon ring bell clock map letter
pencil candle basket blanket pillow mirror bottle plate spoon feather flute whistle crown lantern marble toy chair table
door window wall roof bridge road river hill cloud star moon sun rain snow wind fire song game story picture garden
house farm school shop market castle tower cave island forest field lake pond beach village town city""".split()

COUNTED = """apples pears plums nuts eggs cakes coins stones shells buttons balls books cups pencils stickers marbles
beads cards stamps flowers carrots potatoes cookies candles kites toys leaves ribbons keys lemons""".split()

BOXES = "box bag basket jar tray shelf drawer crate".split()

MORE_NOUNS = """actor anchor angel ankle apron arch arrow artist atlas attic author award baby badge baker ballet bamboo banana bandage bank banner barn barrel
bat bath battery bay beach beak beam beard beast bed beetle bench berry bill blade blossom board boat body bolt bone border boss bow bowl bracelet brain branch brick
bride bubble bud buffalo bug builder bull bulb bunny burger butcher butterfly cabin cabbage cable cactus calf camel camera camp canal candy cannon canoe canvas captain
card carpet castle caterpillar cathedral cattle ceiling cell chain chalk champion chapter cherry chest chick chicken chimney chip church circle circus class claw clerk cliff
clover clown club coach coast cobra coconut collar college column comb comet compass computer cook corner costume cottage cotton couch country cousin crab crane crayon creek
crow crowd crown crystal cube cucumber curtain cushion cyclist dagger dancer dart date daughter desert desk diamond diary dinner dish doctor dolphin donkey door dove dragon
drawer dress dwarf eagle earring egg elbow elf engine envelope eraser eye fairy falcon fan farmer fence ferry fiddle fig finger firefly flag flame flask fleet flood floor
flour folder foot fork fountain frame freezer fruit garlic gate ghost giant giraffe girl glacier globe goose grape grave guitar guest gym hair hall ham hamster hawk heart helmet
hero hill hippo hive hook hospital hotel hour husband iceberg idea igloo insect iron jacket jelly jewel job joke journey judge juice jungle kangaroo kettle keyboard kid
king kitchen kitten koala lad ladle lake lamb language lawn lawyer leaf leg lens lesson library lighthouse lily lime lip lizard loaf lock log lorry lunch machine magazine magnet
mango map mask mat match meadow meal medal melody member message meteor mile mill minute mistake mole moment money month moose mosquito motor mountain mouse muffin mug mule
museum mushroom music nail name nation navy neighbor nest net newspaper night notebook number nurse oak oasis ocean octopus office olive opera orchard orchid order ostrich otter
oven owner ox oyster package page paint palace panda panel panther paper parcel parent park parrot party path paw peach peacock peak pearl pebble pedal peg pen people
pepper person phone photo piano pig pigeon pilot pin pipe pirate pistol planet platform player pocket poem poet pole pony porch port poster pot powder present price priest
prince prize problem puddle puppet puppy purse puzzle pyramid queen question quilt rabbit radio raft rail rainbow ranch raven record referee report rider rifle roast robot
rock rocket rod root rope route rug ruler saddle sail salad sandal sandwich sausage scientist scooter seal season seat secret seed sentence shark shed shelf shepherd shield shirt
shrimp shrub sign singer sister skate skeleton ski skull slipper smile soldier son soup spider sponge spring square stable stadium stage stair stamp station statue steak stick
stool storm stove stranger strawberry stream street student submarine suit suitcase summer swan sword syrup taxi teacher team tent test theater thief thorn thread throne thumb
ticket tie tile toad toast tooth torch towel tower track tractor trail trailer trap tray treasure triangle trick trophy trouser trumpet trunk tub tunnel turkey turnip twig
uncle unicorn valley vase vegetable vest village violin visitor volcano vulture waffle waiter wall walnut walrus wand wardrobe wasp watch waterfall wave weapon weasel web wedding
week whale wheel wife wig window wing wire witch wizard wolf woman wood worm wrist writer yacht yard year zebra zoo""".split()
ADJECTIVES = """red blue green yellow big small old new wooden shiny pretty tiny large round plastic golden silver heavy light clean dirty broken colorful
sweet ripe fresh long short thin striped soft hard cheap white black pink purple orange gray brown magic rare smooth""".split()

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


PLURALS = []  # of the nouns; filled below
_ONSETS = "b c d f g h j k l m n p r s t v w y z br bl ch cl cr dr fl fr gl gr pl pr qu sc sh sk sl sm sn sp st sw th tr tw wh str thr spl".split() + [""] * 4
_VOWELS = "a e i o u a e i o u a e i o y ai ea ee oa oo ou ie au oi".split()
_CODAS = "b ck d ff g l ll m n nd ng nk nt p r rd rk rm rn rt s ss st t sh ch th x z mp lt ld lf ft ct pt w y ve ne se te le re ge de ce me ke pe".split() + [""] * 12
_ENDS = ["", "", "", "", "", "", "", "", "er", "y", "le", "ing", "ow", "et", "ion", "ment", "ness", "age", "or", "en", "on", "ish", "ful", "al"]


def invented(rng, short=False):
    """A word that does not exist, more or less as English words are built."""
    if short:
        return rng.choice(_ONSETS) + rng.choice(_VOWELS) + rng.choice(_CODAS[:36]) + rng.choice(("", "", "", "a", "o", "y"))
    if rng.random() < 0.06:
        return "".join(rng.choice(LETTERS) for _ in range(rng.randint(3, 7)))
    n = rng.choice((1, 1, 2, 2))
    x = "".join(rng.choice(_ONSETS) + rng.choice(_VOWELS) + (rng.choice(_CODAS) if i == n - 1 or rng.random() < 0.3 else "") for i in range(n)) + rng.choice(_ENDS)
    return x if 3 <= len(x) <= 8 else invented(rng)


def plural(word):
    if word in IRREGULAR:
        return IRREGULAR[word]
    if word.endswith(("s", "x", "z", "ch", "sh")):
        return word + "es"
    if word.endswith("y") and word[-2:-1] not in "aeiou":
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


PLURALS += sorted({plural(x) for x in MORE_NOUNS + THINGS + ANIMALS + CATEGORIES["tool"] + CATEGORIES["vehicle"] if plural(x) != x})
