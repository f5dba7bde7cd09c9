"""Sentences that a story can do without: they stand between what is said and where it is needed.

They name other people, pets, colours, numbers and places on purpose: whoever just repeats the last
name or colour seen goes wrong. Of the story's own variables they say he and she, and a few say the pet,
the home or the day: what is hardly ever needed is hardly learned.
"""

from __future__ import annotations

from zoo.data.glass_box.program import Asides

SKY = (
    "The (3* sky|2* sea|lake) was (2* blue|2* clear|grey|bright|pale) and the wind was <air>.",
    "A <air> wind blew over the (2* roofs|2* fields|gardens|hills|boats).",
    "A <air> wind (2* came|blew) from the {home}.",
    "It rained for (2* an hour|2* a minute|a while|an instant).",
)
WALK = (
    "{who.He} and the {pet} <moved> (2* along|2* beside|across) the (2* path|lane|river|wall|sand).",
    "{who.He} <moved> (2* along|2* beside|across) the (2* path|lane|river|wall|sand).",
    "{who.He} (2* jumped over|ran around|looked into) a <small> (2* puddle|well|ditch|pond).",
)
ANIMALS = (
    "The [singer] in the (2* old|tall|green) (tree|trees|garden|gardens) {singer.was} <mood>.",
    "The [singer] near the (2* two|three|four) (2* bridges|houses|windows|boats) {singer.was} <mood>.",
    "Nearby, the [singer] on the (2* mossy|sunny|broken) (2* wall|roof|steps|rocks) {singer.was} <mood>.",
    "Near the {home}, the [singer] {singer.was} <mood>.",
)
PEOPLE_MET = (
    "A (2* kind|2* tall|cheerful|sleepy|young) (2* farmer|2* sailor|painter|baker|miller) <greeted> at {who.him}.",
    "That {day}, a (2* kind|2* tall|cheerful|sleepy|young) (farmer|sailor|painter|baker|miller) came to the {home}.",
    "An old (man|woman) told a (2* long|2* short|funny|sad) story about (2* the sea|2* a king|an owl|a dragon|an egg).",
)
COLOURS_SEEN = (
    "(2* Red|2* Blue|Yellow|White|Pink) flowers (2* grew|nodded|glowed) beside the (2* path|wall|gate|stream|road).",
    "A (2* white|2* brown|black|grey) (2* cat|2* dog|pony|goose|goat) watched {who.him} "
    "from a (2* window|garden|boat|roof).",
)
FOOD = (
    "{who.He} (2* gave|threw) the {pet} [snack.a] {snack}.",
    "{who.He} smelled (2* fresh|warm|sweet) (3* bread|soup|honey|roses|jam).",
    "{who.He} (2* ate|bought|found|shared) [snack.a] {snack} <where>.",
)
NUMBERS_HEARD = (
    "The (2* clock|bell) in the (2* square|tower|hall) (2* struck|rang) <number>.",
    "That {day}, {who.he} counted <number> (2* little|tall|old|white) (2* clouds|steps|chimneys|ships|stones).",
)
WATER = (
    "The water under the (2* old|stone|wooden|long) bridge was (2* clear|2* green|cold|still|dark).",
    "(2* Little|Three|Paper) (2* boats|waves|leaves) (2* danced|glittered|drifted) on the (2* lake|river|pond).",
)
PASSERS = (
    "On the way, {who.he} met [passer], who was <doing> <where>.",
    "From a (2* window|boat|tree|roof), [passer] <greeted> at {who.him}.",
    "[passer] was <doing> near the {home}.",
)
CLOUDS = (
    "That {day}, a cloud looked like (2* a ship|2* a whale|a castle|an elephant|an owl|an island).",
    "{who.He} thought about (2* summer|2* breakfast|dragons|pirates|snow) for (2* an hour|2* a minute|a while).",
)
CHILDREN = (
    "Some (2* boys|2* girls|children|sisters|brothers) were <doing>, and they <greeted>.",
    "Two (2* boys|2* girls|children|sisters|brothers) built a (2* tower|castle|wall) of (2* sand|stones|sticks|snow).",
)
MISHAPS = (
    "{who.He} tripped over a (2* stone|root|bucket|rope) but did not (2* cry|fall|mind).",
    "A <air> wind (2* stole|took|lifted) {who.his} (2* cap|hat), but {who.he} (2* caught|saved|found) it.",
)

ASIDES = Asides(
    (
        SKY,
        WALK,
        ANIMALS,
        PEOPLE_MET,
        COLOURS_SEEN,
        FOOD,
        NUMBERS_HEARD,
        WATER,
        PASSERS,
        CLOUDS,
        CHILDREN,
        MISHAPS,
    )
)
