"""Little stories: a plot is a row of beats, a beat is one of several ways to say it."""

from . import words as w
from .grammar import expand, polish

TRAITS = "little small young kind brave happy shy clever gentle curious lazy hungry funny careful".split()
LOOKS = "brown white black gray golden red spotted".split()
PLACES = """in the forest|by the river|near a quiet lake|at the edge of the village|on a green hill|in an old house
on a farm|near the sea|in a small town|under a tall tree|behind the mill|in a warm valley""".replace("\n", "|").split("|")
SPOTS = """behind a big stone|under the old bridge|in the tall grass|beside the well|under a bush|near the gate
behind the barn|on the roof|at the top of the hill|at the bottom of the pond|inside a hollow tree|in a dark cave
between the roots of an oak""".replace("\n", "|").split("|")
TREASURES = """red ball|blue kite|silver bell|warm scarf|golden key|little drum|green hat|shiny coin|soft blanket
wooden boat|paper star|tin whistle|glass marble|picture book|yellow lamp""".replace("\n", "|").split("|")
FOODS = """apple pie|bread|carrot soup|honey cake|pancakes|cheese|sweet berries|warm soup|nut cake|butter biscuits
plums|corn""".replace("\n", "|").split("|")
WEATHER = ["the sun was shining", "the wind was blowing", "the sky was gray", "snow lay on the ground",
           "it was warm and bright", "a soft rain was falling", "the leaves were turning yellow", "the birds were singing"]

OPENINGS = [
    "[Once upon a time|Once upon a time|Long ago|Once], there [was|lived] a {trait} {kind} [named|called] {name}. "
    "{He} lived {place} with {his} [family|mother|mother and father|grandmother|two brothers].",
    "[There once was|There was once] a {trait} {kind} [who lived|that lived] {place}. {His} name was {name}.",
    "{name} was a {trait} {kind}. {He} lived {place}.",
    "The {trait} {kind} lived {place}. Everyone called {him} {name}.",
    "[One day|One morning|One evening], a {trait} {kind} [named|called] {name} [sat|was sitting] {place}.",
    "In a [house|small house|cosy home] {place} lived a {trait} {kind}. {His} name was {name}.",
]
HABITS = [
    "{He} loved to [sing|dance|run|play|climb|paint|read|jump] [every day|in the morning|in the sun|with {his} friends].",
    "[Every morning|Every day], {he} [went for a walk|helped at home|fed the birds|swept the floor|picked flowers].",
    "{He} had a [good|dear|best] friend, a {look2} {kind2} [named|called] {name2}.",
    "{His} favorite thing was {a_treasure}.",
    "Nothing made {him} happier than {food}.",
]
DAYS = ["One [day|morning|afternoon], {weather}.", "It was [a fine|a cold|a quiet|an early] [morning|day|evening], and {weather}.",
        "[One day|Then one day], {weather} and {name} went outside."]
FRIENDS = ["There {he} met a {look2} {kind2} [named|called] {name2}.", "A {look2} {kind2} called {name2} came [along|by|down the road].",
           "Just then, {name2} the {kind2} [came by|looked over the fence|walked past]."]
ASKS = ['"[What is wrong|Why are you sad|What happened|Can I help you]?" asked {name2}.',
        '"You look [sad|worried|tired]," said {name2}. "[What is wrong|What happened]?"']
JOINS = ['"I will help you," said {name2}.', '"[Do not worry|Do not cry]," said {name2}. "We will do it together."',
         '"Two are better than one," said {name2} [with a smile|and smiled].']
FEELINGS = ["{name} was [very|so] [happy|glad|proud].", "{name} [laughed|danced|jumped] [for joy|with joy].",
            "{name} felt warm inside.", "{name} had never been so happy."]
THANKS = ['"Thank you, {name2}," said {name}. "You are a [true|good|real] friend."',
          '"I could not have done it without you," said {name}.', "{name} thanked {name2} and gave {him2} a big hug."]
ENDS = ["[From that day on|After that], {name} and {name2} were [the best of friends|always together|friends for ever].",
        "They [went home|walked home] [together|hand in hand|under the stars] and {did}.",
        "That night, {name} [slept well|fell asleep with a smile|dreamed of {food}].",
        "And they all lived happily ever after.", "When the sun went down, they [went home|said good night] and {did}."]
DID = ["ate {food}", "had {food} for supper", "told stories by the fire", "sang a song", "drank warm milk"]

LOST = [
    ["But {his} {treasure} was gone.", "But when {he} looked for {his} {treasure}, it was not there.",
     "{name} wanted to play with {his} {treasure}, but {he} could not find it."],
    ["{He} looked under the bed, but it was not there.", "{He} looked in every corner of the house.",
     "First {he} looked in the kitchen, then in the garden."],
    ["{name} [sat down and cried|was very sad|did not know what to do].", "A tear ran down {his} [face|nose]."],
    FRIENDS, ASKS,
    ['"I have lost my {treasure}," said {name}.', '"My {treasure} is gone," said {name}. "I have looked everywhere."'],
    JOINS,
    ["They [walked|went] to the [river|mill|market|bridge], but they found nothing.", "They looked {spot2}, but all they found was an old shoe.",
     "They asked the {kind3}, but the {kind3} only shook {its} head."],
    ["Then {name2} saw something {spot}.", "At last, they looked {spot}.", '"Look!" cried {name2}. "There is something {spot}."'],
    ["It was the {treasure}!", "There lay the {treasure}, [safe and dry|just as before|a little dirty but whole]."],
    FEELINGS, THANKS,
]
GIFT = [
    ["It was the birthday of {name2} the {kind2}.", "The next day was the birthday of {name2} the {kind2}."],
    ["{name} wanted to give {him2} a present, but {he} had no money.", "{name} wanted to make something nice for {him2}."],
    ['"What can I give?" {he} thought.', "{He} thought and thought.", "{He} sat down and thought for a long time."],
    ["Then {he} had an idea.", "All at once, {he} knew what to do."],
    ["{He} [took|found] some [wood|paper|wool|cloth] and began to make {a_treasure}.", "{He} went to {his} room and began to make {a_treasure}."],
    ["It was hard work, and the first one broke.", "At first it did not go well, and {he} had to start again.",
     "{He} worked all day, but it looked all wrong."],
    ["But {name} did not give up.", '"I will try once more," {he} said.', "{His} mother showed {him} how to do it."],
    ["In the evening, the {treasure} was ready.", "At last, it was done, and it was beautiful.", "When the moon came up, the {treasure} was finished."],
    ["{name} ran to the house of {name2} and knocked at the door.", "{name} carried it to {name2} with great care."],
    ['"Happy birthday!" said {name}. "I made this for you."', '"This is for you," said {name}.'],
    ["{name2} opened the box and saw the {treasure}.", "{name2} could not believe it."],
    ['"It is the best present of all," said {name2}.', '"[Oh, thank you|How wonderful]!" cried {name2}. "I will keep it for ever."'],
    ["Together they ate {food}.", "Then there was {food} for everyone.", "They played until it was dark."],
]
STORM = [
    ["{name} went far from home to look for [berries|flowers|shells|nuts].", "{name} walked and walked until the house was far away."],
    ["Suddenly the sky grew dark.", "Then big black clouds came over the hill.", "All at once, it began to rain."],
    ["The wind blew hard and the trees shook.", "There was thunder and lightning.", "Soon the path was full of water."],
    ["{name} was afraid.", "{name} was cold and wet.", '"I want to go home," said {name} in a small voice.'],
    ["{He} ran to the left, then to the right, but {he} could not find the way.", "{He} called for help, but nobody came."],
    ["Then {he} saw a light {spot}.", "Then {he} heard a voice {spot}."],
    ["It was {name2} the {kind2}, with a lamp in {his2} hand.", "It was an old {kind2} named {name2}."],
    ['"Come in," said {name2}. "It is warm and dry here."', '"You poor thing," said {name2}. "Come and sit by the fire."'],
    ["{name2} gave {him} {food} and a soft blanket.", "They sat by the fire and ate {food}."],
    ["{name2} told [a funny story|a long story about the sea|stories of long ago], and {name} forgot {his} fear.",
     "They sang songs until the storm was over."],
    ["In the morning, the storm was gone.", "After a while, the rain stopped and the stars came out."],
    ["{name2} showed {him} the way home.", "Together they walked back over the wet grass."],
    ["{His} family was so glad to see {him}.", "{His} mother [hugged|kissed] {him} and cried with joy."],
    THANKS,
]
SEED = [
    ["{name} found a tiny seed {spot}.", "An old {kind3} gave {name} a tiny seed.", "{name} bought a seed at the market."],
    ['"What will it be?" {he} asked.', '"I will plant it," said {name}.', "{He} had never seen a seed like it."],
    ["{He} dug a hole and put the seed into the ground.", "{He} put it in a pot by the window."],
    ["Every day, {he} gave it water.", "Each morning, {he} watered it and sang to it."],
    ["But nothing happened.", "One week went by, and there was nothing to see.", "Days went by, but the ground stayed bare."],
    ["{name2} the {kind2} laughed. \"It is only a stone,\" {he2} said.", '"It will never grow," said {name2} the {kind2}.'],
    ["{name} did not listen.", '"Wait and see," said {name}.', "{name} was a little sad, but {he} did not give up."],
    ["Then came the rain, and then came the sun.", "Winter passed, and spring came.", "One night, it rained softly."],
    ["In the morning, there was a small green leaf.", "The next morning, something green looked out of the ground."],
    ["It grew and grew.", "Day by day it grew taller."],
    ["Soon it was [a beautiful flower|a tree full of apples|as tall as the house], and everyone came to look.",
     "At last, it was full of [sweet red apples|yellow flowers|golden pears]."],
    ['"I was wrong," said {name2}. "You were right to wait."', "{name2} said that {he2} was sorry for laughing."],
    ["{name} smiled and shared it with everyone.", '"There is enough for all of us," said {name}.'],
    FEELINGS,
]
SHARE = [
    ["{name} had {food} in a basket.", "{His} grandmother gave {him} a basket with {food}.", "{name} had made {food} all by {himself}."],
    ['"I will eat it all alone," {he} thought.', '"This is all for me," said {name}.'],
    ["{He} sat down {spot} and wanted to eat.", "{He} went {spot}, where nobody could see {him}."],
    FRIENDS,
    ['"I am so hungry," said {name2}. "I have had nothing to eat all day."', "{name2} looked thin and tired."],
    ["{name} looked at the food. There was not very much.", "{name} held the basket tight and said nothing.",
     '"It is mine," {he} wanted to say.'],
    ["But then {he} saw how sad {name2} was.", "But {name2} looked so sad that {name} felt sorry."],
    ['"Come," said {name}. "We will share it."', "{name} cut it into two parts and gave one to {name2}."],
    ["It tasted better than ever.", "They ate and laughed, and it tasted very good.", "Soon the basket was empty, but both were happy."],
    ["The next day, {name} had no food at home.", "Some days later, it was {name} who was hungry."],
    ["There was a knock at the door.", "Somebody called at the window."],
    ["It was {name2}, with a big basket of {food2}.", "{name2} had brought {food2}."],
    ['"You shared with me," said {name2}. "Now I share with you."', '"This is for you, my friend," said {name2}.'],
    FEELINGS,
]
BRAVE = [
    ["{name} was afraid of [the dark|deep water|high places|thunder|the big {kind3}].", "There was one thing that {name} could not do. {He} was afraid of [the dark|deep water|high places]."],
    ["The others laughed at {him}.", "When the others played, {he} stayed at home.", "{He} never told anyone about it."],
    ["{name2} the {kind2} was {his} best friend.", "Only {name2} the {kind2} knew about it."],
    ["One evening, {name2} did not come home.", "Then one day, there was a cry {spot}."],
    ['"Help!" called {name2}. "My foot is caught, and I cannot move."', "{name2} had fallen and could not get up."],
    ["{name}'s heart beat fast.", "{name} began to shake.", "{name} wanted to run away."],
    ["But there was nobody else to help.", "But {he} thought of {his} friend."],
    ['"I am coming," {he} called.', "{He} took a deep breath and went."],
    ["Step by step, {he} came closer.", "One step, then another, then one more.", "{He} did not look back."],
    ["{He} pulled and pulled, and at last {name2} was free.", "{He} held out a long stick, and {name2} took it.",
     "{He} took {name2} by the hand and pulled with all {his} might."],
    ['"You saved me," said {name2}. "You are very brave."', '"I knew that you would come," said {name2}.'],
    ['"I was afraid," said {name}, "but I came anyway."', "{name} could hardly believe what {he} had done."],
    ["The others never laughed at {him} again.", "Everyone in the [village|forest|valley] heard of it.", "That evening, there was {food} for the hero."],
]
RACE = [
    ['"I am faster than all of you," said {name2} the {kind2}.', "{name2} the {kind2} was very fast and very proud."],
    ['"Let us have a race," said {name}.', '"Will you race with me?" asked {name2}.'],
    ["Everyone laughed, for {name} was [small|slow|not very fast].", "The others shook their heads."],
    ["They met at the [old oak|bridge|mill] when the sun came up.", "The whole [village|forest] came to see the race."],
    ['"Ready, steady, go!" called the {kind3}.', "The {kind3} gave the sign, and off they went."],
    ["{name2} ran like the wind and was soon far ahead.", "{name2} was so fast that nobody could see {him2} any more."],
    ["{name} did not run fast, but {he} never stopped.", "{name} went on, one step after the other."],
    ['"I have time," thought {name2} and lay down {spot}.', "Halfway, {name2} stopped to eat {food}."],
    ["The sun was warm, and soon {name2} was asleep.", "{name2} ate and ate, and then {he2} fell asleep."],
    ["{name} came by on quiet feet.", "{name} saw {name2} and smiled, but {he} did not stop."],
    ["When {name2} woke up, it was too late.", "Suddenly there was a great noise, and {name2} woke up."],
    ["{name} had won the race!", "{name} was already at the end, and everyone cheered."],
    ['"You won," said {name2}. "I will never laugh at you again."', "{name2} was ashamed, but {name} shook {his2} hand."],
]
BUILD = [
    ["{name} wanted to build [a boat|a small house|a bridge|a swing].", "{name} had a plan. {He} wanted to build [a boat|a bridge|a tree house]."],
    ["{He} asked the {kind3} for help, but the {kind3} was too busy.", '"Who will help me?" {he} asked. Nobody answered.'],
    ['"Then I will do it alone," said {name}.', "So {he} began all alone."],
    ["{He} carried wood from the forest.", "{He} took a hammer and some nails.", "{He} cut the wood and tied it with rope."],
    ["But the wood was too heavy.", "But then the rope broke.", "But the wind blew it all down."],
    FRIENDS,
    ['"That looks like hard work," said {name2}.', '"What are you doing?" asked {name2}.'],
    JOINS,
    ["{name2} held the wood and {name} used the hammer.", "{name} pushed and {name2} pulled.", "They worked until the sun went down."],
    ["The next day they worked again.", "On the third day, it was almost done.", "They stopped only to eat {food}."],
    ["At last, it was ready.", "Then came the great moment. It was done!"],
    ["Everyone came to look at it.", "Even the {kind3} came to see it.", "It was strong and beautiful."],
    ['"We did it!" [cried|said] {name}.', "{name} and {name2} looked at it and were proud."],
    FEELINGS, THANKS,
]
PLOTS = [  # the beats, what is learned from them
    (LOST, "[it is good to ask for help|two can do more than one|a good friend is worth more than gold]"),
    (GIFT, "[a gift made by hand is the best gift|it pays to try again|giving makes you happy]"),
    (STORM, "[a storm does not last for ever|kind words open every door|it is good to have friends]"),
    (SEED, "[it pays to be patient|good things take time|one must not give up]"),
    (SHARE, "[sharing makes everyone happy|food tastes better with a friend|kindness comes back]"),
    (BRAVE, "[being brave does not mean having no fear|small friends can do great things]"),
    (RACE, "[it is better to go on than to go fast|one should not laugh at others]"),
    (BUILD, "[two are better than one|it is good to ask for help|one must not give up]"),
]


def _pronouns(girl, tail=""):
    he, him, his = ("she", "her", "her") if girl else ("he", "him", "his")
    return {"he" + tail: he, "him" + tail: him, "his" + tail: his, "He" + tail: he.capitalize(),
            "His" + tail: his.capitalize(), "himself" + tail: "herself" if girl else "himself"}


def cast(rng, kind=None, name=None, trait=None):
    girl, girl2 = (name in w.GIRLS) if name else rng.random() < 0.5, rng.random() < 0.5
    kinds = rng.sample(w.ANIMALS, 3)
    if rng.random() < 0.25:
        kinds[0] = "girl" if girl else "boy"
    if kind:
        kinds = [kind] + [k for k in kinds[1:] if k != kind] + ["owl"]
    names = rng.sample(w.GIRLS if girl else w.BOYS, 1) + rng.sample(w.GIRLS if girl2 else w.BOYS, 2)
    if name:
        names[0] = name
    second = next(n for n in names[1:] if n != names[0])
    treasure, foods = rng.choice(TREASURES), rng.sample(FOODS, 2)
    spots = rng.sample(SPOTS, 2)
    slots = {**_pronouns(girl), **_pronouns(girl2, "2"), "name": names[0], "name2": second, "kind": kinds[0], "kind2": kinds[1],
             "kind3": kinds[2], "trait": trait or rng.choice(TRAITS), "look2": rng.choice(LOOKS), "place": rng.choice(PLACES),
             "spot": spots[0], "spot2": spots[1], "treasure": treasure, "a_treasure": "a " + treasure, "food": foods[0],
             "food2": foods[1], "weather": rng.choice(WEATHER), "its": "its"}
    slots["did"] = expand(rng, rng.choice(DID), slots)
    return slots


def story(rng, kind=None, name=None, short=False):
    slots = cast(rng, kind, name)
    plot, moral = rng.choice(PLOTS)
    beats = [OPENINGS]
    if not short:
        habits = [h for h in HABITS if ("name2" not in h or plot is GIFT) and ("treasure" not in h or plot is LOST)]
        beats += [[h] for h in rng.sample(habits, rng.choice((0, 1, 1, 2)))]
        beats += [DAYS] if plot is not BRAVE else []
    body = [b for b in plot if not short or rng.random() < (0.4 if b in (ASKS, FEELINGS) else 0.8)]
    beats += body + [ENDS]
    if rng.random() < (0.2 if short else 0.6):
        beats.append(["{name} [had learned|learned] that " + moral + ".", "And so {name} learned that " + moral + "."])
    if rng.random() < 0.3 and not short:
        beats.append(["The end."])
    parts = [expand(rng, rng.choice(b), slots) for b in beats]
    text = polish(" ".join(parts))
    if rng.random() < 0.25:
        cut = len(beats) // 2
        text = polish(" ".join(parts[:cut])) + "\n\n" + polish(" ".join(parts[cut:]))
    return text
