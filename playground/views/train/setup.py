"""Setting a run up: the model, what it starts from, the text, the budget and the knobs; one button starts it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import streamlit as st

from playground import engine, forms, state
from playground.text import count, escaped, plural, sentence
from playground.views.train import source, switches
from playground.views.train.keys import key
from playground.views.train.models import Start, counts, starts, trainable, untrainable

if TYPE_CHECKING:
    from zoo.launch import Order
    from zoo.plugin import ModelPlugin

SECONDS, STEPS = "seconds", "steps"
RANDOM, NOTHING = "Random weights", "Nothing counted yet"
"""What a training begins from where it goes on from no other; the second, where the model counts."""
DEFAULT_SECONDS, DEFAULT_STEPS = 60, 1000
MAIN = 4
"""How many of the model's knobs are in sight at once."""
BUDGET = ("seconds", "steps")
ASKED = key("asked")
"""Whether the button was pressed just now."""
FIRST = ("zoo/gpt-modern", "zoo/gpt")
"""What a first visitor is offered, if it is there."""


def draw() -> None:
    """The form. What is typed stays through page changes, and through a run."""
    plugins = {plugin.spec.id: plugin for plugin in trainable()}
    if not plugins:
        st.error("No model can be trained here: no plugin could be loaded. The command python -m zoo list says why.")
        return
    with st.container(border=True):
        model, start, budget, button = st.columns([3, 3, 3.4, 1.6], vertical_alignment="bottom")
        with model:
            plugin = plugins[_model(list(plugins))]
        with start:
            begun = _start(plugin)
        with budget:
            spent = _budget()
        text = source.draw(plugin, fixed=begun is not None)
        below = st.container()
        with button:
            st.button(
                "Train", type="primary", icon=":material/play_arrow:", width="stretch", key="train.go", on_click=_ask
            )
    config, recipe = _knobs(plugin, begun), _training(plugin, _counts(plugin))
    switches.draw(plugin.spec.id)
    _not_here()
    with below:
        st.caption(escaped(_summary(plugin, begun, text, spent)))
        if st.session_state.pop(ASKED, False):
            _submit(plugin, begun, text, config, recipe | spent)


def _ask() -> None:
    """The order is made further down, from what stands in the form by then."""
    st.session_state[ASKED] = True


def _model(ids: list[str]) -> str:
    """The plugin to train."""
    titles = {plugin.spec.id: plugin.spec.title for plugin in trainable()}
    name = key("model")
    if st.session_state.get(name) not in ids:
        st.session_state[name] = next((each for each in FIRST if each in ids), ids[0])
    return str(
        st.selectbox(
            "Model",
            ids,
            format_func=lambda each: titles[each],
            key=name,
            persist_state="session",
            help=escaped(engine.registry().get(st.session_state[name]).spec.summary),
        )
    )


def _counts(plugin: ModelPlugin) -> bool:
    return counts(plugin.spec.id, engine.registry().sources.get(plugin.spec.id, ""))


def _start(plugin: ModelPlugin) -> Start | None:
    """Trained weights to go on from; None for random ones."""
    offers = starts(plugin.spec.id)
    titles = [NOTHING if _counts(plugin) else RANDOM, *(each.title for each in offers)]
    name = key("start", plugin.spec.id)
    if st.session_state.get(name) not in titles:
        st.session_state[name] = titles[0]
    chosen = st.selectbox(
        "Start from",
        titles,
        key=name,
        persist_state="session",
        help="Random weights know nothing yet. To go on from trained ones is called fine-tuning: the model keeps "
        "its shape and its tokens, and moves towards your text.",
    )
    return next((each for each in offers if each.title == chosen), None)


def _budget() -> dict[str, Any]:
    """How long to train: {"seconds": …} or {"steps": …}."""
    limits = engine.jobs().limits
    unit, amount = st.columns([1.3, 1])
    name = key("unit")
    st.session_state.setdefault(name, SECONDS)
    with unit:
        chosen = st.segmented_control("Budget", [SECONDS, STEPS], key=name, required=True, persist_state="session")
    most, first = (int(limits.seconds), DEFAULT_SECONDS) if chosen == SECONDS else (limits.steps, DEFAULT_STEPS)
    place = key(f"budget.{chosen}")
    st.session_state.setdefault(place, min(first, most))
    with amount:
        value = st.number_input(
            f"{chosen}, at most {count(most)}".capitalize(), 1, most, key=place, persist_state="session"
        )
    return {str(chosen): value}


def _knobs(plugin: ModelPlugin, begun: Start | None) -> dict[str, Any]:
    """The model's own settings, a few in sight and the rest behind a click; none where trained weights fix them."""
    if begun is not None:
        st.caption(escaped(f"{begun.title}: the model keeps their shape, their context and their tokenizer."))
        return {}
    found, prefix = forms.knobs(plugin.Config), key("config", plugin.spec.id)
    st.subheader(f"The shape of {escaped(plugin.spec.title)}", anchor=False)
    values = forms.draw(found[:MAIN], prefix)
    if found[MAIN:]:
        with st.expander("More of the model's settings", icon=":material/tune:"):
            values |= forms.draw(found[MAIN:], prefix)
    return values


def _training(plugin: ModelPlugin, counts: bool) -> dict[str, Any]:
    """How the steps are taken, with what the plugin's author recommends as defaults."""
    from zoo.training import Recipe

    found = [each for each in forms.knobs(Recipe, plugin.recipe()) if each.name not in BUDGET]
    with st.expander("How it learns: batch, optimiser, rates, seed", icon=":material/school:"):
        st.caption(
            "This model counts. No gradient moves it, so optimiser, rates and precision change nothing here: a step "
            "is a batch of text that it counts."
            if counts
            else "The values are those that the model's author recommends for a brief training."
        )
        return forms.draw(found, key("recipe", plugin.spec.id))


def _summary(plugin: ModelPlugin, begun: Start | None, text: source.Source, spent: dict[str, Any]) -> str:
    """What the button will do, in one sentence."""
    unit, amount = next(iter(spent.items()))
    begin = "from random weights" if begun is None else f"from {begun.title[:1].lower()}{begun.title[1:]}"
    begin = "beginning with nothing counted" if begun is None and _counts(plugin) else begin
    long = plural(int(amount), unit.removesuffix("s"))
    return f"{plugin.spec.title} will learn from {text.words}, {begin}, for {long}."


def _submit(
    plugin: ModelPlugin, begun: Start | None, text: source.Source, config: dict[str, Any], recipe: dict[str, Any]
) -> None:
    """Hand the order in, and turn to the run; what is wrong with it is said instead."""
    try:
        order = _order(plugin, begun, text, config, recipe)
        run = engine.jobs().submit(order, state.owner(), text.text)
    except (ValueError, LookupError, OSError) as error:
        st.error(escaped(sentence(str(error))), icon=":material/error:")
        return
    st.session_state[state.RUN] = run
    st.rerun()


def _order(
    plugin: ModelPlugin, begun: Start | None, text: source.Source, config: dict[str, Any], recipe: dict[str, Any]
) -> Order:
    """What was asked for, checked.

    Raises:
        ValueError: with one sentence for the user.
    """
    from zoo.launch import Order
    from zoo.training import Recipe

    if text.problem:
        raise ValueError(text.problem)
    if begun is None:
        forms.validated(plugin.Config, config)
    forms.validated(Recipe, recipe)
    return Order(
        model=plugin.spec.id,
        config=config,
        recipe=recipe,
        corpus=text.corpus,
        tokenizer=text.tokenizer,
        vocab_size=text.vocab_size,
        prompt=text.prompt,
        start=begun.source if begun else None,
        title=f"{plugin.spec.title} on {text.words}",
    )


def _not_here() -> None:
    """The models that are installed and cannot be trained on this page, each with its reason."""
    others = untrainable()
    if not others:
        return
    with st.expander(f"{plural(len(others), 'model')} that cannot be trained here", icon=":material/block:"):
        st.markdown("\n".join(f"- **{escaped(name)}**: {escaped(reason)}" for name, reason in others))
