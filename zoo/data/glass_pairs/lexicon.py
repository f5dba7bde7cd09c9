"""The dictionary, English to Lirumo: a table a part of speech. Read by `zoo.data.glass_pairs.grammar`.

`~` is the vowel by which a Lirumo word agrees with a noun: `o` for a person, `i` for an animal, `a` for
anything else, `u` for more than one. A name stays what it is.
"""

from __future__ import annotations

from zoo.data.glass_box.tables import PEOPLE

VOWELS = {"person": "o", "animal": "i", "thing": "a", "place": "a"}
"""How a word agrees with one noun of each kind."""
MANY = "u"
"""How it agrees with several."""

NAMES = PEOPLE.words("name")[:5] + PEOPLE.words("name")[10:15]
"""Five girls and five boys of the glass box."""

NOUNS = {
    "person": """
        girl     girls     selo
        boy      boys      dimo
        baker    bakers    puvaro
        teacher  teachers  lenoro
        sailor   sailors   mazuro
        farmer   farmers   gudilo
    """,
    "animal": """
        dog     dogs     vafi
        cat     cats     muri
        duck    ducks    pakli
        pony    ponies   hodi
        goat    goats    bemi
        rabbit  rabbits  pimi
        hen     hens     koki
        frog    frogs    rugi
    """,
    "thing": """
        kite    kites    felura
        ball    balls    boba
        drum    drums    tuma
        hat     hats     shola
        book    books    vira
        boat    boats    nelda
        cake    cakes    suma
        letter  letters  drila
    """,
    "place": """
        sea         seas         oresa
        forest      forests      yamira
        river       rivers       luvena
        lake        lakes        polna
        mill        mills        zandra
        market      markets      kerta
        harbour     harbours     hamola
        lighthouse  lighthouses  ilmera
    """,
}
"""One, several, and Lirumo, which has one word for both."""

VERBS = {
    "rest": """
        sleep  slept    nolem
        laugh  laughed  gigem
        sing   sang     lirem
        dance  danced   teskem
        run    ran      zupem
        wait   waited   padem
    """,
    "take": """
        see     saw       okem
        find    found     tabem
        love    loved     yulem
        watch   watched   dasem
        paint   painted   kolvem
        follow  followed  redem
        carry   carried   hulvem
    """,
    "give": """
        give   gave     kipem
        show   showed   shimem
        bring  brought  wozem
    """,
    "say": """
        say    said     tekem
        think  thought  mulem
        know   knew     sinem
        hope   hoped    elpem
    """,
}
"""Plain form, past, and Lirumo, whose tense is a word of its own."""

WORDS = {
    "Mood": "happy zel~, hungry vork~, sleepy num~, brave karst~",
    "Size": "little tif~, big dorv~, funny hilt~, lovely amel~",
    "Colour": "red rosk~, blue lund~, green hesh~, white alv~",
    "Prep": "in pon, near dem, behind gul",
    "Day": "Monday tarvel, Tuesday osvel, Wednesday mirvel, Thursday donvel, "
    "Friday fenvel, Saturday kasvel, Sunday solvel",
}
"""No noun or adjective begins with a vowel, so that English needs no "an"."""
