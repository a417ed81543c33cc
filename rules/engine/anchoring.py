"""What ties an occurrence to the watched country or to another: a place in its sentence, before it, in the head, or the source.

Place names compete. One in a locative phrase ("in Almaty", «в Алматы», «Алматыда») says where something happened and beats the
rest; one that something is directed against counts last; among equals the nearest decides.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import Final

from rules.engine.definitions import AnchorWeights
from rules.engine.matching import OPENING, TEXT, TITLE, Occurrence, Page, hide
from rules.engine.tables import LOCATIVE, MAYBE_LOCATIVE, Condition
from rules.engine.words import words_of

BACK: Final = 3  # sentences looked back
HEAD: Final = 3  # first sentences of the text that count as its head
FAR: Final = 40  # a sentence this deep in a text is no longer told by its head alone where it happens
CLAUSE: Final = 12.0  # tokens a semicolon is worth in distance
COMMA: Final = 2.0
DISPUTED_SLACK: Final = 8  # tokens by which our place may be farther than another's and still be meant

_ENGLISH_IN: Final = frozenset({"in", "at", "outside", "near", "across", "around", "inside", "throughout"})
_RUSSIAN_IN: Final = frozenset({"в", "во", "на", "под", "близ", "возле", "около", "у", "по"})
_KAZAKH_AGAINST: Final = ("қарсы", "qarsy", "qarsı")
# Words that may stand between a preposition and the place: "in the southern Kazakh city of", «в городе», «на западе».
_GLUE: Final = words_of("""
    the a city town village capital of central southern northern western eastern south north west east downtown region province
    oblast district largest oil-rich oil rich former
    городе городах селе поселке центре центральной районе области столице западе востоке юге севере южном северном западном
    восточном крупнейшем самом нефтяном моногороде г
""")
_KAZAKH_PLACE_WORD: Final = re.compile(
    r"\s+(?:қала|облыс|аудан|ауыл|көше|алаң|маң|өңір|аймақ|qala|obl[ıy]s|aýdan|audan|awdan|aýyl|auyl|awıl)\w*?[дтdt][аеae](?:ғы|гі|[ǵğg][yıi])?\b"
)
# "against the war in Ukraine": where the war is, not where people stand against it.
_AGAINST_A_WAR: Final = re.compile(
    r"\b(?:against (?:the |russia's |an? )?(?:war|invasion|occupation|aggression|annexation) (?:in|on|of|against) (?:the )?"
    r"|против (?:войны|вторжения|агрессии|оккупации|аннексии)(?: россии)? (?:в|на|против) )$"
)
_KAZAKH_WAR: Final = re.compile(r"\s*(?:соғыс|басқыншылы[қғ]|агрессия|soǵys|soghys|sogys|soğıs)\w*\s+(?:қарсы|qarsy|qarsı)")
# "an activist born in Pavlodar", «уроженец Павлодара», «Павлодарда туған»: where somebody is from, not where it happened.
_FROM_THERE: Final = re.compile(
    r"(?:\b(?:born|raised|grew up|educated)(?: and (?:raised|educated))? in|\bnatives? of|\boriginally from"
    r"|\bроди(?:лся|лась|лись|вш\w+) в|\bурожен\w+|\bродом из|\bвыход(?:ец|ца|цу|цем|цы|цев|цам|цами) из|\bвыросш\w+ в)\s+"
    r"(?:the (?:city|town|village) of |город[ае] |сел[ае] |г\. ?)?$"
)
_FROM_HERE: Final = re.compile(
    r"-born\b|(?:\s+(?:қала|облыс|аудан|ауыл)\w*)?\s+(?:туған|туып|тумасы|тумасын|тумасына|дүниеге келген)\b"
)
_NEXT_IN_LIST: Final = re.compile(r"\s*(?:[,.;:!?)»\"]|$|(?:and|и|мен|және)\b)")
_DEMONYM: Final = re.compile(r"(?:an|ish|ese|kh|yz|ek|ik)$")  # "in the southern Kazakh city of …"
_BEFORE: Final = re.compile(r"[^\W_]+(?:[-'’][^\W_]+)*")
# "ALMATY. AGENCY —", "ALMATY (AP) --", "АЛМАТЫ, 5 января. /Агентство/.": where a story was filed, often just the agency's home.
_DATELINE: Final = re.compile(r"(?:[.,]\s|\s*[(/]|\s)[^\n—–]{0,45}?(?:[—–]|-{2}|\s-|/\.?)\s|\s*(?:[—–]|-{2})\s")
_FILED: Final = re.compile(r"\s*[.,]?\s*[(/][^\n()/]{2,40}[)/]|\s*,\s*\d{1,2}\s\w+[^\n—–]{0,20}[—–]")


@dataclass(frozen=True, slots=True)
class Anchor:
    """To whom an occurrence belongs: ``side`` 1 ours, -1 elsewhere, 0 unknown; ``factor`` is how much of its points counts."""

    side: int
    factor: float
    how: str
    by: Occurrence | None = None
    strong: bool = False


UNKNOWN: Final = Anchor(0, 0.0, "nothing ties it to a country")


@dataclass(slots=True)
class Anchors:
    """The places and other anchoring names of one document, ready to be asked."""

    page: Page
    weights: AnchorWeights
    at_home: bool
    home_language: bool = False
    sentences: dict[tuple[int, int], list[Occurrence]] = field(default_factory=dict)
    datelines: list[Occurrence] = field(default_factory=list)
    _ranks: dict[int, int] = field(default_factory=dict)
    _head: Anchor | None = None

    @classmethod
    def of(cls, page: Page, weights: AnchorWeights, *, at_home: bool, home_language: bool = False) -> Anchors:
        page.lay_out()
        anchors = cls(page, weights, at_home, home_language)
        for one in page.occurrences:
            if one.entry.side and not one.hidden_by:
                if anchors.is_dateline(one):
                    anchors.datelines.append(one)
                else:
                    anchors.sentences.setdefault((one.field, one.sentence), []).append(one)
        return anchors

    def of_occurrence(self, one: Occurrence) -> Anchor:  # a ladder: one step a return
        """The anchor of one occurrence."""
        here = self.sentences.get((one.field, one.sentence))
        if here:
            return self._in_passing(one, self._decide(one, here))
        if one.field == TEXT:
            for back in range(1, BACK + 1):
                before = self.sentences.get((TEXT, one.sentence - back))
                if before:
                    return self._in_passing(one, self._previous(before))
        head = self.head()
        if head.side > 0 and one.field == TEXT and one.sentence >= FAR:
            return replace(head, factor=min(head.factor, self.weights.passing), how=f"{head.how} of a long text, far above")
        if head.side:
            return head
        if self.datelines:
            by = self.datelines[0]
            return Anchor(by.entry.side, self.weights.source, "in the dateline", by)
        if self.at_home:
            return Anchor(1, self.weights.source, "the source is of the country", None)
        if self.home_language and self.weights.language:
            return Anchor(1, self.weights.language, "only its language is of the country", None)
        return UNKNOWN

    def _in_passing(self, one: Occurrence, anchor: Anchor) -> Anchor:
        """A sentence of ours deep in a text headed by another country is a mention: a list of other news, a comparison."""
        if anchor.side > 0 and one.field == TEXT and one.sentence >= HEAD and self.head().side < 0:
            factor = min(anchor.factor, self.weights.passing)
            return Anchor(1, factor, "in passing, in a text headed by another country", anchor.by, anchor.strong)
        return anchor

    def is_dateline(self, place: Occurrence) -> bool:
        """Whether a place opens a paragraph only to say where the story was filed; that is no better than knowing the source."""
        if place.field != TEXT or not place.entry.strong:
            return False
        text = self.page.texts[TEXT]
        opening = text[text.rfind("\n", 0, place.start) + 1 : place.start].strip()
        if opening and not (opening.endswith(",") and opening.isupper()):
            return False
        written = text[place.start : place.end]
        return (_DATELINE if written.isupper() else _FILED).match(text, place.end) is not None

    @property
    def _ours_anywhere(self) -> bool:
        return any(other.entry.side > 0 and other.entry.strong for others in self.sentences.values() for other in others)

    def of_title_or_home(self, one: Occurrence) -> bool:
        """Whether something unconditional of the country stands near ``one``, or the source is of it."""
        candidates: list[Occurrence] = []
        for back in range(BACK + 1):
            if one.field == TITLE and back:
                break
            candidates.extend(self.sentences.get((one.field, one.sentence - back), ()))
        if any(other.entry.side > 0 and not other.overlaps(one) for other in candidates):
            return True
        return self.at_home or self.head().side > 0

    def _decide(self, one: Occurrence, here: list[Occurrence]) -> Anchor:  # the cases of the module's docstring
        ours = min(
            ((self._cost(one, other), other) for other in here if other.entry.side > 0), key=lambda pair: pair[0], default=None
        )
        theirs = min(
            ((self._cost(one, other), other) for other in here if other.entry.side < 0), key=lambda pair: pair[0], default=None
        )
        if ours is not None and not ours[1].entry.strong and self.head().side < 0 and not ours[1].overlaps(one):
            # "Democratic Party", "Central Election Commission": in a text headed by another country such names are hardly ours.
            if theirs is not None or not self._ours_anywhere:
                return Anchor(-1, 1.0, "in a text about another country", None if theirs is None else theirs[1])
            return Anchor(1, self.weights.disputed * self.weights.weak, "in a text headed by another country", ours[1])
        if theirs is None:
            assert ours is not None
            return self._ours(ours[1], "in the sentence")
        if ours is None:
            return Anchor(-1, 1.0, "in the sentence", theirs[1], theirs[1].entry.strong)
        if ours[0] <= theirs[0]:
            return self._ours(ours[1], "in the sentence")
        if ours[0][0] == theirs[0][0] == 0 and ours[0][1] <= theirs[0][1] + DISPUTED_SLACK:
            return Anchor(1, self.weights.disputed, "in the sentence, beside another country", ours[1], ours[1].entry.strong)
        return Anchor(-1, 1.0, "in the sentence", theirs[1], theirs[1].entry.strong)

    def _ours(self, other: Occurrence, how: str) -> Anchor:
        strong = other.entry.strong
        return Anchor(1, self.weights.sentence if strong else self.weights.weak, how, other, strong)

    def _cost(self, one: Occurrence, other: Occurrence) -> tuple[int, float]:
        if other.overlaps(one):
            return (0, 0.0)
        if other.first > one.last:
            distance = float(other.first - one.last)
            between = self.page.texts[one.field][one.end : other.start]
        else:
            distance = float(one.first - other.last)
            between = self.page.texts[one.field][other.end : one.start]
        # "Belarus jailed three activists; diplomats of our country…": what stands in another clause is farther than its words.
        distance += CLAUSE * between.count(";") + COMMA * between.count(",")
        if not other.entry.strong:
            distance = distance * 1.25 + 2
        return (self.rank(other), distance)

    def rank(self, place: Occurrence) -> int:
        """0 in a locative phrase, 1 plain, 2 what something is directed against or where somebody is from."""
        known = self._ranks.get(id(place))
        if known is None:
            known = self._ranks[id(place)] = self._rank(place)
        return known

    def _rank(self, place: Occurrence) -> int:
        text = self.page.texts[place.field]
        start = self.page.layouts[place.field].sentence_start(place.sentence)
        before = text[max(start, place.start - 90) : place.start]
        after = text[place.end : place.end + 40]
        lower, following = before.lower(), after.lower()
        if (
            _AGAINST_A_WAR.search(lower)
            or _KAZAKH_WAR.match(following)
            or _FROM_THERE.search(lower)
            or _FROM_HERE.match(following)
        ):
            return 2
        if place.entry.strong:
            language = place.alias.language
            if language == "kk":
                if place.bits & LOCATIVE or _KAZAKH_PLACE_WORD.match(following):
                    return 0
            elif self._in_phrase(before, place, language):
                return 0
        last = _BEFORE.findall(before)[-3:]
        for word in reversed([word.lower() for word in last]):
            if word in {"against", "против"}:
                return 2
            if word not in _GLUE:
                break
        if place.alias.language == "kk" and following.lstrip().startswith(_KAZAKH_AGAINST):
            return 2
        return 1

    def _in_phrase(self, before: str, place: Occurrence, language: str) -> bool:
        if before.rstrip()[-1:] in {";", ":", "—", "–"}:
            return False
        words = [word.lower() for word in _BEFORE.findall(before)]
        prepositions = _ENGLISH_IN if language == "en" else _RUSSIAN_IN
        glued = back_adjective = False
        for back, word in enumerate(reversed(words[-6:])):
            if word in prepositions:
                if language == "en" or glued or back:
                    return True
                if word in {"в", "во", "на"}:
                    return bool(place.bits & (LOCATIVE | MAYBE_LOCATIVE))
                return True
            if word in _GLUE or (language == "en" and glued and not back_adjective and _DEMONYM.search(word)):
                back_adjective = back_adjective or word not in _GLUE
                glued = True
                continue
            break
        return self._coordinated(place, before)

    def _coordinated(self, place: Occurrence, before: str) -> bool:
        """«in Almaty, Astana and Aktobe»: each is where the first is."""
        bare = before.rstrip(" ,")
        for joint in (" and", " и", " мен", " және"):
            bare = bare.removesuffix(joint)
        if bare == before.rstrip(" ,") and not _NEXT_IN_LIST.match(self.page.texts[place.field], place.end):
            return False  # "unrest in Nukus, Kazakh media reported": a comma before a word that goes on is no list
        bare = bare.rstrip(" ,")
        if bare == before.rstrip(" "):
            return False
        offset = place.start - len(before) + len(bare)
        for other in self.sentences.get((place.field, place.sentence), ()):
            if other.end == offset and other.entry.strong and other is not place:
                return self.rank(other) == 0
        return False

    def _previous(self, before: list[Occurrence]) -> Anchor:
        best = min(before, key=lambda other: (self.rank(other), not other.entry.strong, -other.start))
        if best.entry.side < 0:
            return Anchor(-1, 1.0, "in a sentence before", best, best.entry.strong)
        factor = self.weights.previous * (1.0 if best.entry.strong else self.weights.weak)
        return Anchor(1, factor, "in a sentence before", best, best.entry.strong)

    def head(self) -> Anchor:
        """To whom the title and the first sentences belong."""
        if self._head is None:
            self._head = self._weigh_head()
        return self._head

    def _weigh_head(self) -> Anchor:
        sides = {1: 0.0, -1: 0.0}
        first: dict[int, Occurrence] = {}
        for key in ((TITLE, 0), *((TEXT, number) for number in range(HEAD))):
            for other in self.sentences.get(key, ()):
                weight = (
                    (1.0 if other.entry.strong else 0.5)
                    * (2.0 if other.field == TITLE else 1.0)
                    * (1.5 if self.rank(other) == 0 else 1.0)
                )
                sides[other.entry.side] += weight
                best = first.get(other.entry.side)
                if best is None or (other.entry.strong and not best.entry.strong):
                    first[other.entry.side] = other
        if not first:
            return UNKNOWN
        side = 1 if sides[1] >= sides[-1] else -1
        by = first[side]
        if side < 0:
            return Anchor(-1, 1.0, "in the head", by, by.entry.strong)
        return Anchor(1, self.weights.head * (1.0 if by.entry.strong else self.weights.weak), "in the head", by, by.entry.strong)


def settle(page: Page, weights: AnchorWeights, *, at_home: bool) -> None:
    """Hide what a longer match covers, and surnames and names that count only near the country where nothing of it is near.

    What waits for the country neither hides nor anchors until it is decided.
    """
    conditional = [one for one in page.occurrences if one.alias.condition in _NEEDS_ANCHOR]
    for one in conditional:
        one.hidden_by = "(undecided)"
    hide(page.occurrences)
    if not conditional:
        return
    anchors = Anchors.of(page, weights, at_home=at_home)
    full = {one.entry.id for one in page.occurrences if not one.hidden_by}
    for one in conditional:
        if one.alias.condition == Condition.SURNAME:
            counts = one.entry.side < 0 or one.entry.id in full or anchors.of_title_or_home(one)
            reason = "(a surname alone, and nothing of the country near)"
        elif one.alias.condition == Condition.CAPITAL_ANCHORED:
            counts = anchors.of_title_or_home(one)
            reason = "(needs something else of the country near)"
        else:
            opening = not page.texts[one.field][page.layouts[one.field].sentence_start(one.sentence) : one.start].strip(OPENING)
            counts = not opening or anchors.of_title_or_home(one)
            reason = "(its capital may be only the sentence's)"
        one.hidden_by = "" if counts else reason
    hide(page.occurrences)


_NEEDS_ANCHOR: Final = frozenset({Condition.SURNAME, Condition.CAPITAL_ANCHORED, Condition.CAPITAL_INSIDE})
