"""The stories: an opening, one of four plots with asides in its middle, and an ending. All sentences ours.

Each plot's second part begins with words of its own, so that its first word tells which plot goes on.
"""

from __future__ import annotations

from zoo.data.glass_box.asides import ASIDES
from zoo.data.glass_box.program import Beat, Fork, Program
from zoo.data.glass_box.tables import LISTS, VARIABLES

OPENING = Beat(
    (
        "[who] lived (2* near|behind|beyond) the [home] with <adjective> [pet].",
        "Once a <good_child> [who.child] called {who} lived near the [home] with <adjective> [pet].",
        "Near the [home] lived [who] and {who.his} <kind_of_pet> [pet].",
        "[who] loved two things, {who.his} <kind_of_pet> [pet] and the [home].",
        "There was <adjective> [pet] who lived near the [home] with a [who.child] called {who}.",
    )
)

PROMISE_MADE = (
    Beat(
        (
            "On [day], {who} promised [friend] a <fine> [job].",
            "On [day], {who} met [friend] and promised to [job.do] a <fine> {job}.",
            "Last [day], [friend] wished for a <fine> [job], so {who} promised to {job.do} one.",
        )
    ),
)
PROMISE_KEPT = (
    Beat(
        (
            "Before {day} was over, {who} <how> {job.did} the {job}.",
            "Without delay, {who} {job.did} the {job} for {friend}.",
            "Remembering {friend}, {who} <how> {job.did} the {job}.",
        )
    ),
    Beat(
        (
            "{friend} <liked> the {job} and <hugged> {who}.",
            "{friend} said that no {job} had ever been (3* better|2* lovelier|finer|grander).",
            "{friend} (3* smiled|2* waved|nodded|winked) at {who} and the {job}.",
        )
    ),
)

LOST = (
    Beat(
        (
            "On [day], {who} and [friend] left the [colour] [thing] [spot.under] the {spot}.",
            "Last [day], [friend] lent {who} the [colour] [thing], and {who.he} (2* kept|hid|put|left) {thing.it} "
            "[spot.under] the {spot}.",
        )
    ),
)
FOUND = (
    Beat(
        (
            "Later that {day}, {who} wanted the {colour} {thing}, but where {thing.was} {thing.they}?",
            "Then {friend} asked for the {colour} {thing}, but {who} could not find {thing.it}.",
            "Suddenly {who} saw that the {colour} {thing} {thing.was} gone.",
        )
    ),
    Beat(
        (
            "The {pet} {pet.moved} to the {spot} and {pet.sound}.",
            "The {pet} {pet.sound} (2* loudly|softly|twice) and {pet.moved} to the {spot}.",
            "The {pet} {pet.moved} <straight> to the {spot}, and there {thing.was} the {colour} {thing}.",
        )
    ),
)

GATHERED = (
    Beat(
        (
            "On [day], {who} and [friend] found [number] [colour] [things] [spot.under] the {spot}.",
            "Last [day], [friend] gave {who} [number] [colour] [things], and {who.he} hid them "
            "[spot.under] the {spot}.",
        )
    ),
)
COUNTED = (
    Beat(
        (
            "By noon that {day}, {who} counted only {number.less} {colour} {things} {spot.under} the {spot}.",
            "In the end, only {number.less} {colour} {things} were {spot.under} the {spot}.",
            "All at once, {friend} cried that one of the {number} {colour} {things} was gone.",
        )
    ),
    Beat(
        (
            "The {pet} had <taken> one and looked <seemed>.",
            "The {pet} had <taken> one under the (2* table|chair|rug|tree).",
            "The {pet} looked <seemed>, and {who} shared the other {number.less} with {friend}.",
        )
    ),
)

SET_OUT = (
    Beat(
        (
            "On [day], {who} and [friend] took the [colour] [thing] to the [guest] beyond the <far_off>.",
            "Last [day], the [guest] beyond the <far_off> {guest.was} <in_need>, so {who} and [friend] packed "
            "the [colour] [thing].",
        )
    ),
)
ARRIVED = (
    Beat(
        (
            "At last, that same {day}, they met the {guest}, and {guest.he} {guest.was} <very> <glad>.",
            "Soon the {guest} at the <which> door {guest.was} (2* smiling|waving|winking) at {who}.",
        )
    ),
    Beat(
        (
            "{who} gave {guest.him} the {colour} {thing}, and {friend} <treated>.",
            "{who} showed the {colour} {thing}, and {guest.he} thanked {who.him} and {friend}.",
        )
    ),
)

ENDING = Beat(
    (
        "In the (2* evening|afternoon|moonlight), {who} and the {pet} <moved> home to the {home}.",
        "That night, the {pet} slept (2* beside|near) the (2* bed|fire|window|door), and {who} dreamed of {friend}.",
        "When the (2* moon|2* stars|lanterns) <shone> over the {home}, {who} <hugged> the {pet}.",
        "Before (2* bed|supper|sunset), {who} told the {pet} (2* all|much|more) about {friend} and the {home}.",
    )
)
CODA = Beat(
    (
        "What a <good> {day}!",
        "So ended a <good> {day}.",
    ),
    chance=0.75,
)

STORIES = Program(
    VARIABLES,
    (
        OPENING,
        Fork(
            "plot",
            (("promise", PROMISE_MADE), ("lost", LOST), ("count", GATHERED), ("visit", SET_OUT)),
            draw=True,
        ),
        ASIDES,
        Fork(
            "plot",
            (("promise", PROMISE_KEPT), ("lost", FOUND), ("count", COUNTED), ("visit", ARRIVED)),
        ),
        ENDING,
        CODA,
    ),
    LISTS,
)
