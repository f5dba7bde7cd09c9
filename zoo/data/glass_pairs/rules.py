"""Both languages' grammar, rule beside rule: what a phrase is made of, in English and in Lirumo.

How it is written. A line without indent names a phrase, the lines below it are what it can be:

    2  Part1 , and Part2 .  ->  Part1 ,/, en/and Part2 ./.

The 2 is its weight. A capital begins the name of a phrase, or of a list of words in `lexicon.py`; all
else is said as it is written. Part1 and Part2 are two phrases of the same name. To the right of
the arrow stands the same in Lirumo:

    en/and        the word `en`, which comes from "and": its alignment; "will+be" are two words
    k~/did        `~` is the vowel by which the word agrees with a noun
    Does<Who[n]   the words in `Does` that agree do so with the noun of `Who[n]`
    *Noun[k,n]    the noun of the whole phrase; where two are marked, they are several

Letters in brackets stand for kinds of phrases (`LETTERS`): a line is one line for each.

No sentence can be made in two ways. A place belongs to the verb, never to a noun; nothing that ends in a
relative clause is joined by a bare "and"; "because" belongs to all of the sentence before it; and sentences
are joined by ", and".
"""

from __future__ import annotations

START = "Sentence"

LETTERS = {
    "n": ("one", "many"),
    "m": ("one", "many"),
    "k": ("person", "animal", "thing", "place"),
    "b": ("person", "animal"),
    "c": ("person", "animal"),
    "i": ("thing", "place"),
    "v": ("rest", "take", "give", "say"),
    "t": ("past", "future"),
}

RULES = """
Sentence
    3  Part .                       ->  Part ./.
    2  Part1 , and Part2 .          ->  Part1 ,/, en/and Part2 ./.
Part
    6  Clause[t]                    ->  Clause[t]
    2  on Day , Clause[t]           ->  Day sil/on Clause[t]
    2  when Clause[past]1 , Clause[past]2     ->  Clause[past]1 mir/when ,/, Clause[past]2
    3  Clause[t] because Clause[past]         ->  Clause[past] naro/because ,/because Clause[t]

Clause[t]
    8  Who[n] Does[t]               ->  Who[n] Does[t]<Who[n]
    2  Who[n] Short[t]1 and Short[t]2         ->  Who[n] Short[t]1<Who[n] en/and Short[t]2<Who[n]
    3  Who[n] Verb[say,t] that Clause[past]   ->  Who[n] Clause[past] dal/that Verb[say,t]<Who[n]
    1  Who[n] Be[n,t] Mood          ->  Who[n] Mood<Who[n] Be[n,t]<Who[n]
    1  Who[n] Be[n,t] Place         ->  Who[n] Place Be[n,t]<Who[n]
    1  It[n] Be[n,t] Size           ->  It[n] Size<It[n] Be[n,t]<It[n]
    1  It[n] Be[n,t] Colour         ->  It[n] Colour<It[n] Be[n,t]<It[n]

Does[t]
    6  Short[t]                     ->  Short[t]
    2  Verb[take,t] Known           ->  Known Verb[take,t]
    1  Verb[rest,t] Prep Common[place,one] that Seen
           ->  Common[place,one] sen/that Seen Prep Verb[rest,t]
    1  Verb[give,t] Common[thing,n] to Common[person,m] who Does[past]
           ->  Common[person,m] sen/who Does[past]<Common[person,m] ti/to Common[thing,n] Verb[give,t]
Short[t]
    2  Verb[rest,t]                 ->  Verb[rest,t]
    2  Verb[rest,t] Place           ->  Place Verb[rest,t]
    4  Verb[take,t] Object          ->  Object Verb[take,t]
    2  Verb[take,t] Object Place    ->  Place Object Verb[take,t]
    2  Verb[give,t] Common[thing,n] to Bare[person,m]
           ->  Bare[person,m] ti/to Common[thing,n] Verb[give,t]
Place
    1  Prep Common[place,one]       ->  Common[place,one] Prep

Who[n]
    6  Bare[b,n]                    ->  *Bare[b,n]
    1  Common[b,n] with Common[thing,m]       ->  *Common[b,n] Common[thing,m] mev/with
    1  Common[person,n] who Does[past]        ->  *Common[person,n] sen/who Does[past]<Common[person,n]
    1  Common[animal,n] that Does[past]       ->  *Common[animal,n] sen/that Does[past]<Common[animal,n]
    1  Common[b,n] that Seen        ->  *Common[b,n] sen/that Seen
Who[many]
    2  Bare[b,n] and Bare[c,m]      ->  *Bare[b,n] en/and *Bare[c,m]
It[n]
    4  Common[i,n]                  ->  *Common[i,n]
    1  Common[thing,n] of Common[person,m]    ->  Common[person,m] es/of *Common[thing,n]
    1  Common[i,n] that Seen        ->  *Common[i,n] sen/that Seen
It[many]
    1  Common[thing,n] and Common[thing,m]    ->  *Common[thing,n] en/and *Common[thing,m]
Object
    6  Bare[k,n]                    ->  Bare[k,n]
    1  Common[b,n] with Common[thing,m]       ->  Common[b,n] Common[thing,m] mev/with
    1  Common[thing,n] of Common[person,m]    ->  Common[person,m] es/of Common[thing,n]
    1  Bare[b,n] and Bare[c,m]      ->  Bare[b,n] en/and Bare[c,m]
    1  Common[thing,n] and Common[thing,m]    ->  Common[thing,n] en/and Common[thing,m]
Known
    1  Common[person,n] who Does[past]        ->  Common[person,n] sen/who Does[past]<Common[person,n]
    1  Common[animal,n] that Does[past]       ->  Common[animal,n] sen/that Does[past]<Common[animal,n]
    2  Common[k,n] that Seen        ->  Common[k,n] sen/that Seen
Seen
    3  Bare[b,n] Verb[take,past]    ->  Bare[b,n] Verb[take,past]<Bare[b,n]
    1  Bare[b,n] Verb[take,past] Place        ->  Bare[b,n] Place Verb[take,past]<Bare[b,n]

Bare[k,n]
    2  Common[k,n]                  ->  *Common[k,n]
Bare[person,one]
    4  Name                         ->  *Name
Common[k,n]
    6  Det[n] Noun[k,n]             ->  *Noun[k,n] Det[n]<Noun[k,n]
    2  Det[n] Size Noun[k,n]        ->  *Noun[k,n] Size<Noun[k,n] Det[n]<Noun[k,n]
Common[b,n]
    2  Det[n] Mood Noun[b,n]        ->  *Noun[b,n] Mood<Noun[b,n] Det[n]<Noun[b,n]
Common[person,n]
    1  Det[n] Mood Size Noun[person,n]
           ->  *Noun[person,n] Size<Noun[person,n] Mood<Noun[person,n] Det[n]<Noun[person,n]
Common[animal,n]
    2  Det[n] Colour Noun[animal,n]           ->  *Noun[animal,n] Colour<Noun[animal,n] Det[n]<Noun[animal,n]
    1  Det[n] Size Colour Noun[animal,n]
           ->  *Noun[animal,n] Colour<Noun[animal,n] Size<Noun[animal,n] Det[n]<Noun[animal,n]
Common[thing,n]
    2  Det[n] Colour Noun[thing,n]            ->  *Noun[thing,n] Colour<Noun[thing,n] Det[n]<Noun[thing,n]
    1  Det[n] Size Colour Noun[thing,n]
           ->  *Noun[thing,n] Colour<Noun[thing,n] Size<Noun[thing,n] Det[n]<Noun[thing,n]
Det[n]
    4  the                          ->  l~/the
    1  my                           ->  mar~/my
Det[one]
    3  a                            ->
Det[many]
    2  two                          ->  pel/two
    1  three                        ->  trin/three

Verb[v,past]
    4  Past[v]                      ->  Past[v] k~/Past[v]
    2  did not Base[v]              ->  Base[v] k~/did yem/not
Verb[v,future]
    2  will Base[v]                 ->  Base[v] v~/will
    1  will not Base[v]             ->  Base[v] v~/will yem/not
Be[n,future]
    2  will be                      ->  v~/will+be
    1  will not be                  ->  v~/will+be yem/not
Be[one,past]
    2  was                          ->  k~/was
    1  was not                      ->  k~/was yem/not
Be[many,past]
    2  were                         ->  k~/were
    1  were not                     ->  k~/were yem/not
"""
