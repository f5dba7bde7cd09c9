"""Who and what the stories are about: the values of their variables with each value's forms, and lists of words."""

from __future__ import annotations

from zoo.data.glass_box.program import Variable, table

PEOPLE = table("""
name   he   He   him  his  His  child
Mia    she  She  her  her  Her  girl
Lily   she  She  her  her  Her  girl
Anna   she  She  her  her  Her  girl
Rosa   she  She  her  her  Her  girl
Nora   she  She  her  her  Her  girl
Ella   she  She  her  her  Her  girl
Ruby   she  She  her  her  Her  girl
Zoe    she  She  her  her  Her  girl
Ivy    she  She  her  her  Her  girl
Clara  she  She  her  her  Her  girl
Tom    he   He   him  his  His  boy
Ben    he   He   him  his  His  boy
Max    he   He   him  his  His  boy
Leo    he   He   him  his  His  boy
Sam    he   He   him  his  His  boy
Finn   he   He   him  his  His  boy
Jack   he   He   him  his  His  boy
Oscar  he   He   him  his  His  boy
Hugo   he   He   him  his  His  boy
Theo   he   He   him  his  His  boy
""")

PETS = table("""
pet     sound     moved
dog     barked    raced
cat     purred    crept
duck    quacked   waddled
pony    neighed   trotted
goat    bleated   skipped
rabbit  squeaked  hopped
hen     clucked   hurried
frog    croaked   leapt
""")

HOMES = table("""
home
sea
forest
river
lake
mill
market
harbour
lighthouse
""")

PLOTS = table("""
plot
promise
lost
count
visit
""")

DAYS = table("""
day
Monday
Tuesday
Wednesday
Thursday
Friday
Saturday
Sunday
""")

JOBS = table("""
thing    do     did
cake     bake   baked
picture  paint  painted
song     sing   sang
scarf    knit   knitted
letter   write  wrote
boat     build  built
quilt    sew    sewed
map      draw   drew
""")

COLOURS = table("""
colour
red
blue
green
yellow
white
purple
pink
brown
""")

THINGS = table("""
thing    it    they  was
kite     it    it    was
ball     it    it    was
drum     it    it    was
hat      it    it    was
book     it    it    was
mittens  them  they  were
boots    them  they  were
gloves   them  they  were
""")

SPOTS = table("""
spot      under
bed       under
bench     under
shed      behind
gate      behind
barn      in
attic     in
shelf     on
wall      on
""")

MANY = table("""
things
marbles
ribbons
apples
plums
shells
buttons
""")

NUMBERS = table("""
number  less
three   two
four    three
five    four
six     five
seven   six
eight   seven
""")

GUESTS = table("""
guest       he    He    him   was
baker       she   She   her   was
teacher     she   She   her   was
miller      he    He    him   was
sailor      he    He    him   was
farmer      he    He    him   was
twins       they  They  them  were
cousins     they  They  them  were
neighbours  they  They  them  were
""")

SNACKS = table("""
snack     a
apple     an
orange    an
egg       an
pear      a
plum      a
bun       a
cookie    a
sandwich  a
""")

SINGERS = table("""
singer     was
bird       was
robin      was
bee        was
squirrel   was
birds      were
robins     were
bees       were
squirrels  were
""")

VARIABLES = (
    Variable("who", PEOPLE),
    Variable("friend", PEOPLE, other_than=("who",)),
    Variable("passer", PEOPLE, other_than=("who", "friend")),
    Variable("pet", PETS),
    Variable("home", HOMES),
    Variable("plot", PLOTS),
    Variable("day", DAYS),
    Variable("job", JOBS),
    Variable("colour", COLOURS),
    Variable("thing", THINGS),
    Variable("things", MANY),
    Variable("spot", SPOTS),
    Variable("number", NUMBERS),
    Variable("guest", GUESTS),
    Variable("snack", SNACKS),
    Variable("singer", SINGERS),
)

LISTS = (
    # openings and endings
    ("adjective", "3* a small|2* a shy|a plump|a clever|2* an old|an eager|a lively|an odd"),
    ("good_child", "3* kind|2* cheerful|quiet|clever|brave"),
    ("kind_of_pet", "3* small|2* shy|2* old|plump|clever|sleepy|lively|brave"),
    ("good", "3* good|2* long|2* happy|lovely|busy|strange|quiet|sunny"),
    ("shone", "2* rose|shone|came out"),
    # plots
    ("fine", "3* big|2* little|2* fine|splendid|funny|secret"),
    ("how", "3* quickly|2* happily|carefully|slowly|proudly"),
    ("straight", "3* straight|2* back|quickly|slowly"),
    ("liked", "3* loved|2* liked|praised|admired"),
    ("hugged", "3* hugged|2* thanked|kissed"),
    ("seemed", "3* proud|2* pleased|sorry|sleepy|hungry|happy"),
    ("taken", "3* hidden|2* taken|borrowed|eaten"),
    ("far_off", "2* hills|2* fields|woods|lake|bridge"),
    ("in_need", "2* ill|2* sad|lonely|cold|hungry"),
    ("very", "2* very|so|quite"),
    ("glad", "3* happy|2* pleased|kind|glad|cheerful"),
    ("which", "3* blue|2* red|green|yellow|last"),
    ("treated", "2* made tea|2* sang a song|told a story|cooked soup"),
    # asides
    ("air", "3* soft|2* warm|2* cool|fresh|salty|strong"),
    ("small", "2* little|2* round|deep|muddy|tiny|stony"),
    ("mood", "3* busy|2* quiet|2* happy|awake|hungry|asleep"),
    ("moved", "3* walked|2* ran|skipped|wandered|danced"),
    ("doing", "2* fishing|2* singing|sweeping|painting|reading|dancing"),
    ("where", "2* by the river|in the square|on a bench|under a bridge|on the hill"),
    ("greeted", "3* waved|2* smiled|nodded|winked|laughed"),
    ("number", "2* three|2* four|five|six|seven"),
)
"""Words that several lines choose from, and that no story has to remember."""
