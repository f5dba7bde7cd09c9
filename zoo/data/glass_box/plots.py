"""The stories: an opening, one of four plots with asides in its middle, and an ending. All sentences ours.

Each plot's second part begins with words of its own, so that its first word tells which plot goes on.
"""

from __future__ import annotations

from zoo.data.glass_box.asides import ASIDES
from zoo.data.glass_box.program import Beat, Fork, Program
from zoo.data.glass_box.tables import LISTS, VARIABLES

OPENING = Beat(
    (
        "[who] lived (2* near|behind|beyond) the [home] with <adjective> [pet] called [petname].",
        "Once a <good_child> [who.child] called {who} lived near the [home] with [petname], <adjective> [pet].",
        "Near the [home] lived [who] and {who.his} <kind_of_pet> [pet], [petname].",
        "[who] loved {who.his} <kind_of_pet> [pet], [petname], and the [home] near the house.",
        "There was <adjective> [pet], [petname], who lived near the [home] with a [who.child] called {who}.",
    )
)

PROMISE_MADE = (
    Beat(
        (
            "One <when>, {who} promised [friend] to [job.do] a {job} by [day].",
            "One <when>, {who} met [friend] and promised to [job.do] a {job} by [day].",
            "<that> <season>, [friend] wished for a [job], so {who} promised to {job.do} one by [day].",
        )
    ),
)
PROMISE_KEPT = (
    Beat(
        (
            "When {day} came, {who} <how> {job.did} the {job}.",
            "Now it was {day}, and {who} {job.did} the {job}.",
            "Just before {day}, {who} remembered {friend} and {job.did} the {job}.",
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
            "One <when>, {who} and [friend] left the [colour] [thing] [spot.under] the {spot}.",
            "<that> <season>, [friend] lent {who} the [colour] [thing], and {who.he} (2* kept|hid|put|left) {thing.it} "
            "[spot.under] the {spot}.",
        )
    ),
)
FOUND = (
    Beat(
        (
            "Later, {who} wanted the {colour} {thing}, but where {thing.was} {thing.they}?",
            "Then {friend} asked for the {colour} {thing}, but {who} could not find {thing.it}.",
            "Suddenly {who} saw that the {colour} {thing} {thing.was} gone.",
        )
    ),
    Beat(
        (
            "{petname} {pet.moved} to the {spot} and {pet.sound}.",
            "{petname} {pet.sound} (2* loudly|softly|twice) and {pet.moved} to the {spot}.",
            "{petname} {pet.moved} <straight> to the {spot}, and there {thing.was} the {colour} {thing}.",
        )
    ),
)

GATHERED = (
    Beat(
        (
            "One <when>, {who} and [friend] found [number] [fruits] and put them in a [colour] [holder].",
            "<that> <season>, [friend] gave {who} [number] [fruits] in a [colour] [holder].",
        )
    ),
)
COUNTED = (
    Beat(
        (
            "After that, {who} counted only {number.less} {fruits} in the {colour} {holder}.",
            "Back home, the {colour} {holder} held only {number.less} {fruits}.",
            "All at once, {friend} cried that one of the {number} {fruits} was gone.",
        )
    ),
    Beat(
        (
            "{petname} had <taken> one and looked <seemed>.",
            "{petname} the {pet} had <taken> one under the (2* table|chair|rug|bed).",
            "{petname} looked <seemed>, and {who} shared the other {number.less} with {friend}.",
        )
    ),
)

SET_OUT = (
    Beat(
        (
            "One <when>, {who} and [friend] packed a [colour] [holder] for the [guest] beyond the <far_off>.",
            "<that> <season>, the [guest] beyond the <far_off> {guest.was} <in_need>, so {who} and [friend] packed "
            "a [colour] [holder].",
        )
    ),
)
ARRIVED = (
    Beat(
        (
            "At last they met the {guest}, and {guest.he} {guest.was} <very> <glad>.",
            "Soon the {guest} at the <which> door {guest.was} (2* smiling|waving|winking) at {who}.",
        )
    ),
    Beat(
        (
            "{who} gave {guest.him} the {colour} {holder}, and {friend} <treated>.",
            "{who} opened the {colour} {holder}, and {guest.he} thanked {who.him} and {friend}.",
        )
    ),
)

ENDING = Beat(
    (
        "In the (2* evening|afternoon|end), {who} and {petname} <moved> home to the {home}.",
        "That night, the {pet} slept (2* beside|near) the (2* bed|fire|window|door), and {who} dreamed of {friend}.",
        "When the (2* moon|2* stars|lanterns) <shone> over the {home}, {who} <hugged> the {pet}.",
        "Before (2* bed|supper|sunset), {who} told {petname} (2* all|much|more) about {friend}.",
        "What a <good> <time> for {who} and {petname}!",
        "It had been a <good> <time>, {who} (2* told|whispered to|sang to) the {pet}.",
    )
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
    ),
    LISTS,
)
