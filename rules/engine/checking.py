"""What ``sholu rules check`` says of a rulebook that loads: its examples, its known misses, and the names likely to mislead."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import Final

from rules.engine import russian
from rules.engine.definitions import Entity, Name
from rules.engine.examples import Tried, try_examples
from rules.engine.rulebook import Rulebook
from rules.engine.words import WORD, fold, is_cyrillic, words_of

SHORT: Final = 3  # letters; "WKO", «Аян», "Oil"
# Words of everyday text that names have been mistaken for; the dictionary check below does the rest for Russian.
_COMMON: Final = {
    "en": words_of("""
        a about after again all also always an and any april are art as at august away back bay be before best big black
        blue book but by can card chance city club come day december do dream east energy even every far february fire
        first for force free friday from future get go gold good great green had hand has have he head her here high him
        his home hope house how if in into is it january july june just know land last law left less life light like
        line long look made make man many march may me mean media memory men mercy mind monday more most mother much
        must my nation never new next no north not november now october of off old on one only open oral or other our
        out over own part party past peace people place power press public red right road rose saturday sea see sense
        september she side silver since small so some south spring star state still street summer sun sunday take task
        than that the their them then there these they thing this three thursday time to today too town tuesday turn two
        union unity up us use very victory voice war water way we wednesday week well west what when where which white
        who will winter with woman word work world would year yes you young your
    """),
    "kk": words_of("""
        аға адам ай айтты ақ ал алаң алға алтын ана ант апта ара арман ата атты аттың аяқ әділет бал бала бас басты
        бақыт береке бес биік бір бірлік болат босқа бұл даму дала дос ел ер ерлік жаңа жас жаз жан жер жол жоқ жұлдыз
        жүз күн күш көз көк қала қазан қаңтар құрылтай қыз қыс мамыр мың нан орал от өмір сенім соғыс таза тау тең ту
        туған ұлт үлкен үміт халық шын
    """),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Danger:
    """What may mislead (a name found where it is not meant, a rule silent in a language): where it stands, and what to do."""

    file: str
    line: int
    kind: str
    message: str


@dataclass(frozen=True, slots=True)
class Report:
    """The whole check: ``failed`` are examples that come out wrong, ``todo`` known misses, ``mended`` those that now do."""

    version: str
    entities: int
    aliases: int
    headwords: int
    rules: int
    examples: int
    failed: tuple[Tried, ...]
    todo: tuple[Tried, ...]
    mended: tuple[Tried, ...]
    dangers: tuple[Danger, ...]

    @property
    def passed(self) -> bool:
        return not self.failed


def check_rulebook(rulebook: Rulebook) -> Report:
    """Run all examples and look for dangerous names."""
    tried = try_examples(rulebook)
    definitions = rulebook.definitions
    return Report(
        version=rulebook.version,
        entities=len(definitions.entities),
        aliases=sum(1 + len(name.also) for entity in definitions.entities for name in _all_names(entity)),
        headwords=sum(len(words) for entry in definitions.lexicon for words in entry.words.values()),
        rules=len(definitions.rules),
        examples=len(tried),
        failed=tuple(one for one in tried if not one.right and not one.example.known_miss),
        todo=tuple(one for one in tried if not one.right and one.example.known_miss),
        mended=tuple(one for one in tried if one.right and one.example.known_miss),
        dangers=tuple(
            sorted(
                [*find_dangers(rulebook), *find_silences(rulebook)], key=lambda danger: (danger.file, danger.line, danger.message)
            )
        ),
    )


def _all_names(entity: Entity) -> list[Name]:
    return [name for names in (*entity.names.values(), *entity.surnames.values()) for name in names]


def find_dangers(rulebook: Rulebook) -> list[Danger]:
    """Names of three letters or less, common words, and names that two entities share; guarded ones (``only``) are left out."""
    dangers: list[Danger] = []
    owners: defaultdict[tuple[str, str], list[tuple[Entity, Name]]] = defaultdict(list)
    for entity in rulebook.definitions.entities:
        for language, names in entity.names.items():
            for name in names:
                owners[language, fold(name.text)].append((entity, name))
                if not name.only:
                    dangers.extend(_danger(entity, language, name))
    for (language, text), held in owners.items():
        ids = Counter(entity.id for entity, _ in held)
        if len(ids) > 1:
            entity, name = held[-1]
            others = ", ".join(sorted(set(ids) - {entity.id}))
            message = f"{text!r} ({language}) is a name of {entity.id} and of {others}: both are found; make one longer"
            dangers.append(Danger(entity.where.file, name.line, "shared", message))
    return dangers


def find_silences(rulebook: Rulebook) -> list[Danger]:
    """Rules that show no example of a kind in one of the rulebook's languages: there nobody knows what they do."""
    dangers = []
    for rule in rulebook.definitions.rules:
        for kind in ("flag", "ignore", "todo"):
            spoken = {each.language[:2] for each in rule.examples if ("todo" if each.known_miss else each.expect) == kind}
            lacking = [language for language in rule.languages or rulebook.definitions.languages if language not in spoken]
            if lacking:
                message = f"{rule.id} has no `{kind}` example in {', '.join(lacking)}: add one"
                dangers.append(Danger(rule.where.file, rule.where.line, "silent", message))
    return dangers


def _danger(entity: Entity, language: str, name: Name) -> list[Danger]:
    words = WORD.findall(name.text)
    bare = fold(words[0])
    acronym = len(words) == 1 and words[0].isupper()
    found = []
    if len(words) == 1 and len(bare) <= SHORT:
        guard = (
            "it is found only in capitals, still other bodies may share it"
            if acronym
            else "give it `only: capitalised-and-anchored`"
        )
        found.append(
            Danger(entity.where.file, name.line, "short", f"{name.text!r} ({language}) of {entity.id} is very short: {guard}")
        )
    elif len(words) == 1 and not acronym and _is_common(bare, words[0], language):
        message = f"{name.text!r} ({language}) of {entity.id} is also a common word: give it `only: capitalised-and-anchored`"
        found.append(Danger(entity.where.file, name.line, "common", message))
    return found


def _is_common(folded: str, written: str, language: str) -> bool:
    if language in _COMMON:
        return folded in _COMMON[language]
    return written[:1].isupper() and is_cyrillic(folded) and russian.is_common_word(folded)
