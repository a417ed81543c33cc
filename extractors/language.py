"""Which language a text is in: en, ru, kk, kk-Latn, ky, uz, or und for every other; a pure function of letters and small words.

Letters tell the Cyrillic languages of the region apart, small words the ones in Latin script. Neighbours that share letters
with the languages we read (Ukrainian, Belarusian, Tajik, Tatar, Bashkir, Mongolian, Turkish, Azerbaijani, Turkmen,
Karakalpak) are known here only so that they do not pass for one of them.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from functools import lru_cache
from typing import NamedTuple

KNOWN = frozenset({"en", "ru", "kk", "kk-Latn", "ky", "uz"})
_SAMPLE = 1_500  # characters looked at: a title and the first paragraphs

# Letters that count for a language; every letter of the region that is not in its list counts against it.
_CYRILLIC: dict[str, dict[str, float]] = {
    "kk": {"ә": 1, "ғ": 1, "қ": 1, "ң": 1, "ө": 1, "ұ": 3, "ү": 1, "һ": 0.5, "і": 1},
    "ky": {"ң": 1.2, "ө": 1.2, "ү": 1.2},
    "uz": {"ў": 2, "қ": 1, "ғ": 1, "ҳ": 2},
    "tg": {"ҷ": 3, "ӣ": 2, "ӯ": 3, "ҳ": 1.5, "қ": 1, "ғ": 1},
    "uk": {"і": 1.1, "ї": 3, "є": 3, "ґ": 2},
    "be": {"і": 1.1, "ў": 3},
    "tt": {"җ": 3, "ә": 1.1, "ө": 1, "ү": 1, "ң": 1, "һ": 1},
    "ba": {"ҙ": 3, "ҫ": 3, "ҡ": 3, "ғ": 1, "ә": 1, "ө": 1, "ү": 1, "ң": 1, "һ": 1},
    "mn": {"ө": 1, "ү": 1.1},
    "kaa": {"ә": 1, "ғ": 1, "қ": 1, "ң": 1, "ө": 1, "ү": 1, "ў": 2, "ҳ": 2},
    "sr": {"ј": 3, "љ": 3, "њ": 3, "ђ": 3, "ћ": 3, "џ": 3, "ѓ": 3, "ќ": 3, "ѕ": 3},
    "cv": {"ӑ": 3, "ӗ": 3, "ҫ": 2, "ӳ": 3},
    "bg": {},
    "ru": {},
}  # fmt: skip
_TELLING = frozenset("".join(letters for scores in _CYRILLIC.values() for letters in scores))
# Letters of Russian that a language does not write.
_ABSENT = {"uk": "ыэёъ", "be": "ищъ", "bg": "ыэё", "sr": "ыэёйщъья", "uz": "ыщ", "tg": "ыщц", "ky": "", "kk": ""}
_DOUBLES = re.compile("аа|оо|уу|үү|өө|ээ")

_WORDS: dict[str, frozenset[str]] = {
    language: frozenset(words.split())
    for language, words in {
        "ru": "в на и с по из к о об не что как для за от при до это его был была были будет также его она они уже или над "
        "под во со после года году который которые которых более между через против чтобы может только однако если "
        "без когда где сообщил заявил стало стали рассказал рассказали суд дело тысяч человек лет все всё ещё еще их "
        "ему том этом",
        "kk": "және мен пен бен үшін бұл деп туралы бойынша болды болып екен еді емес жоқ бар осы сол кейін дейін қазақ "
        "қазақстан жаңа жылы жылғы үшін ал не ма ме ба бе па пе оның олар біз деді айтты адам барлық қалай ғана бірақ "
        "сондай-ақ арқылы өз тағы жатыр тұр отыр жүр керек мүмкін бір екі",
        "ky": "жана менен үчүн бул деп боюнча болду болуп экен эле эмес жок бар ушул ошол кийин чейин кыргыз кыргызстан "
        "жаңы жылы жылдын анын алар биз деди айтты адам бардык кандай гана бирок өз дагы жатат турат керек мүмкүн бир "
        "эки болгон өткөн үчүн тууралуу жөнүндө мамлекеттик өлкө",
        "uz": "ва билан учун бу деб бўйича бўлди бўлиб эди эмас йўқ бор шу кейин ҳам эса унинг улар биз деди янги йили "
        "барча лекин ўз яна бўлган қилиш ҳақида томонидан керак мумкин бир икки",
        "tg": "ва дар аз ба бо ки ин он барои аст буд шуд мешавад низ бояд вале ё то худ кардан дорад пас тоҷикистон "
        "ҷумҳурии",
        "uk": "та і й що з із зі як від про це його був була було буде також вони вже після року році який які щоб тільки "
        "якщо коли",
        "be": "і ў што са як ад пра гэта яго быў былі будзе таксама яны ўжо пасля годзе які якія каб можа",
        "bg": "се е са това като че със които който бе беше ще през има след",
        "sr": "је се од су као али који која које након био бити",
        "tt": "һәм белән өчен бу дип буенча булды түгел юк бар шул соң татарстан аның алар без әйтте яңа",
        "ba": "һәм менән өсөн был тип буйынса булды түгел юҡ бар шул",
        "mn": "нь энэ байна байгаа болон юм гэж бас монгол улсын оны дээр мөн хийж гэсэн тухай",
        "kaa": "ҳәм менен ушын бул деп бойынша болды емес жоқ қарақалпақстан",
        "cv": "тата та вӑл ку чӑваш пулнӑ",
    }.items()
}  # fmt: skip

_LATIN_WORDS: dict[str, frozenset[str]] = {
    language: frozenset(words.split())
    for language, words in {
        "en": "the of and to in is for on that with as at by from it was were are be been has have had his her their its he "
        "she they this an who which will would after over against about into said says not but more new amid police "
        "no than when what how why out up",
        "kk-Latn": "jäne jáne jane jäna üşin üshin úshin ushin úshın bul būl bụl dep turaly boiynşa boıynsha boiynsha boyinsha "
        "boldy bolyp eken edi emes joq osy sosyn kein keiin keıin deiin deıin deyin qazaq qazaqstan jaña jańa jana "
        "jyly jylğy jylǵy onyñ onyń olar biz dedi aitty aıtty barlyq qalai qalaı ğana ǵana biraq arqyly öz óz tağy "
        "taǵy jatyr otyr kerek mümkin múmkin bir eki ūlt ulttyq ūlttyq eldiñ eldiń halyq halqy memleket prezident "
        "prezidenti bilim mektep qala qalasy qalasynda oblysy oblysynda äkim ákim respublikasy",
        "uz": "va bilan uchun bu deb bo'yicha bo‘yicha boʻyicha bo'ldi bo‘ldi bo'lib bo‘lib bo'lgan bo‘lgan edi emas yo'q "
        "yo‘q bor shu keyin ham esa uning ular biz dedi yangi yili barcha lekin o'z o‘z yana haqida tomonidan kerak "
        "mumkin qilish o'zbekiston o‘zbekiston toshkent davlat bir ikki",
        "tr": "ve bir bu için ile de da olarak olan daha çok en gibi kadar sonra ancak değil var yok dedi türkiye "
        "tarafından göre oldu ne ki ama her",
        "az": "və bir bu üçün ilə də da olan daha çox ən kimi qədər sonra ancaq deyil var yox dedi azərbaycan tərəfindən "
        "görə oldu ki hər",
        "tk": "we bilen üçin bu hem diýip boýunça türkmenistanyň türkmenistan döwlet bolup ýyl ýylyň onuň olar bar ýok "
        "hormatly",
        "kaa": "hám hàm menen ushın ushin bul dep boyınsha boldı emes joq qaraqalpaqstan respublikası mámleketlik",
        "fr": "le la les des du de et en un une est dans pour que qui sur au aux par avec pas plus ce se sont été",
        "de": "der die das und in den von zu mit ist im für auf des dem nicht ein eine auch sich als nach bei wird",
        "es": "el la los las de del y en un una que por con para es se su al como más fue han",
        "it": "il lo la gli le di del della e in un una che per con è si non sono da nel al",
        "pt": "o a os as de do da dos das e em um uma que por com para é se não ao no na mais foi",
        "pl": "w i na z się do nie to że jest o za od po dla przez jak oraz są ale",
        "nl": "de het een en van in is op te dat die voor met zijn niet aan door ook",
        "id": "yang dan di dari ke untuk dengan ini itu pada adalah tidak dalam akan telah oleh",
        "ro": "și de la în a cu pe din pentru că este nu un o care mai au fost",
        "cs": "a v na se je že s z do o k pro jako po za by jsou ale byl",
        "sv": "och i att det som en på är av för med den till har de inte om",
        "fi": "ja on ei se että oli myös ovat kun mutta sekä",
        "vi": "và của là các có được cho trong một không người với những",
    }.items()
}  # fmt: skip
_LATIN_LETTERS: dict[str, dict[str, float]] = {
    "kk-Latn": {"ğ": 0.5, "ǵ": 2, "ı": 0.2, "ū": 2, "ñ": 0.7, "ń": 0.8, "ş": 0.3, "ä": 0.3, "ö": 0.2, "ü": 0.2,
                "á": 0.3, "ó": 0.3, "ú": 0.3, "ý": 0.3},
    "tr": {"ı": 0.7, "ğ": 0.7, "ş": 0.5, "ç": 0.7, "ö": 0.3, "ü": 0.3, "i̇": 1},
    "az": {"ə": 2, "ğ": 0.5, "ı": 0.4, "ş": 0.5, "ç": 0.7, "ö": 0.3, "ü": 0.3},
    "tk": {"ň": 2, "ý": 0.8, "ž": 1, "ä": 0.3, "ş": 0.3, "ç": 0.5, "ö": 0.2, "ü": 0.3},
    "kaa": {"á": 0.3, "ǵ": 1.5, "ı": 0.3, "ń": 0.8, "ó": 0.3, "ú": 0.3, "w": 0.2},
    "fr": {"é": 0.7, "è": 1, "ê": 1, "à": 0.7, "ç": 0.4, "ù": 1, "œ": 1},
    "de": {"ä": 0.4, "ö": 0.3, "ü": 0.3, "ß": 2},
    "es": {"ñ": 0.6, "á": 0.4, "í": 0.5, "ó": 0.4, "¿": 1},
    "pt": {"ã": 1.5, "õ": 1.5, "ç": 0.4, "á": 0.3, "ê": 0.4},
    "pl": {"ł": 2, "ą": 2, "ę": 1.5, "ś": 1, "ż": 2, "ć": 1, "ń": 0.4, "ó": 0.3},
    "cs": {"ř": 2, "ě": 2, "ů": 2, "š": 0.7, "č": 0.7, "ž": 0.6, "ý": 0.3, "á": 0.3},
    "ro": {"ă": 1.5, "ș": 1.5, "ț": 1.5, "â": 1},
    "vi": {"ư": 2, "ơ": 2, "đ": 1.5, "ạ": 1, "ế": 1},
    "sv": {"å": 1.5, "ä": 0.3, "ö": 0.2},
    "it": {"ò": 0.6, "à": 0.5, "ù": 0.6},
}  # fmt: skip
_COUNTED_CYRILLIC = "".join({*"".join(_ABSENT.values()), "ң", "ё"})
_COUNTED_ASCII = "wx"
"""Of the letters asked for, those of English."""
# The same the other way round: what a word says for which languages.
_SAYING: dict[str, tuple[str, ...]] = {
    word: tuple(language for language, known in _WORDS.items() if word in known) for known in _WORDS.values() for word in known
}
_LATIN_SAYING: dict[str, tuple[str, ...]] = {
    word: tuple(language for language, known in _LATIN_WORDS.items() if word in known)
    for known in _LATIN_WORDS.values()
    for word in known
}
_RUSSIAN_ENDINGS = tuple(
    "ого его ому ыми ться тся ется ского ский ская ское ские ости ение ения ание ания ций ция ции ой ых ую ами ов ил ли ла ть".split()
)
_KAZAKH_ENDINGS = tuple(
    "ның нің дың дің тың тің ды ді ты ті лар лер дар дер тар тер ған ген қан кен мен дағы дегі сы сі лық лік дық дік ып іп".split()
)
_KYRGYZ_ENDINGS = tuple(
    "дарды ларды лерди дерди лардын дардын тардын лардан дардан луу туу нуу шуу уусу оосу ууга оого ганын канын лайт кандарды гандар кандар".split()
)
_KAZAKH_LATIN_ENDINGS = tuple(
    "nyñ nyń nyng niñ niń dyñ dyń diñ diń tyñ tyń tiñ tiń ğan ǵan ghan qan dağy daǵy degi synda sinde lyq dyq tyq yp ady edi idy yna şy ğy ǵy".split()
)
_ENGLISH_ENDINGS = tuple("ing tion tions ment ed ly ers ness ity ism ists 's ’s".split())
_Q_ALONE = re.compile("q(?!u)")
_APOSTROPHES = "'‘’ʻ`"
_APOSTROPHE = re.compile(rf"\b\w*[og][{_APOSTROPHES}](?!s\b)\w")
_ADDRESS = re.compile(r"https?://\S+|www\.\S+|[@#]\w+|\b\w++\.(?:com|kz|ru|org|net|me)\b\S*")
_ADDRESS_SIGNS = ("://", "www.", "@", "#", ".com", ".kz", ".ru", ".org", ".net", ".me")  # without one of these it finds nothing
_WORD = re.compile(r"[^\W\d_]+(?:['‘’ʻ`-][^\W\d_]+)*")


def detect_language(text: str, hint: str | None = None) -> str:
    """One of en, ru, kk, kk-Latn, ky, uz, or und; ``hint`` (what the source or the page says) only settles what is in doubt.

    >>> detect_language("Полиция задержала участников митинга на площади")
    'ru'
    """
    sample = unicodedata.normalize("NFC", text[:_SAMPLE]).lower()
    if any(sign in sample for sign in _ADDRESS_SIGNS):
        sample = _ADDRESS.sub(" ", sample)
    words = _WORD.findall(sample)
    cyrillic = [word for word in words if "\u0400" <= word[0] <= "\u052f"]
    latin = [word for word in words if word[0] < "\u0250" or "\u1e00" <= word[0] <= "\u1eff"]
    if not words or 2 * (len(cyrillic) + len(latin)) < len(words):
        return "und"
    hint = (hint or "").lower()
    return _cyrillic(cyrillic, hint) if len(cyrillic) >= len(latin) else _latin(latin, hint)


def _letters(words: list[str]) -> dict[str, int]:
    """How often each letter that is asked for stands in the words, twice a word at most: one word of a hundred q must not outvote
    the text. Those that do not are left out.
    """
    text = "".join([word if len(word) < 4 else _at_most_twice(word) for word in words])
    if text.isascii():
        return {letter: count for letter in _COUNTED_ASCII if (count := text.count(letter))}
    return Counter(text)


@lru_cache(maxsize=8192)  # texts are made of the same words again and again
def _at_most_twice(word: str) -> str:
    distinct = set(word)
    return word if 2 * len(distinct) >= len(word) else "".join(distinct) * 2


def _cyrillic(words: list[str], hint: str) -> str:
    said = Counter(language for word in words if word in _SAYING for language in _SAYING[word])
    heard = [_heard(word) for word in words]
    text = "".join([one.letters for one in heard])
    letters = {letter: text.count(letter) for letter in _COUNTED_CYRILLIC}
    told = [one.scores for one in heard if one.scores]
    sums = map(sum, zip(*told, strict=True)) if told else (0,) * len(_CYRILLIC)
    scores: dict[str, float] = {}
    for language, score in zip(_CYRILLIC, sums, strict=True):
        absent = 1.5 * sum([letters[letter] for letter in _ABSENT.get(language, "")])
        scores[language] = score - absent + 1.5 * said.get(language, 0)
    doubles = sum([one.doubles for one in heard])
    scores["ky"] += 0.7 * doubles
    scores["mn"] += 0.7 * doubles - 1.2 * letters["ң"]
    endings = Counter([one.ending for one in heard])
    scores["ru"] += endings["ru"]
    scores["kk"] += 0.6 * endings["kk"]
    scores["ky"] += 0.8 * sum([one.is_kyrgyz for one in heard])
    scores["ru"] += 1.5 * letters["ё"] + (0.0 if told else 1.0)
    return _decide(scores, hint, otherwise="ru")


class _Heard(NamedTuple):
    """What a Cyrillic word says by itself: for or against each language, None where none of its letters tells; how it ends."""

    letters: str
    scores: tuple[float, ...] | None
    ending: str
    is_kyrgyz: bool
    doubles: int


@lru_cache(maxsize=8192)  # texts are made of the same words again and again
def _heard(word: str) -> _Heard:
    letters = word if len(word) < 4 else _at_most_twice(word)
    is_kyrgyz = len(word) > 5 and word.endswith(_KYRGYZ_ENDINGS)
    doubles = len(_DOUBLES.findall(word))
    if _TELLING.isdisjoint(word):
        ending = "ru" if len(word) > 4 and word.endswith(_RUSSIAN_ENDINGS) else ""
        return _Heard(letters, None, ending, is_kyrgyz, doubles)
    told = [letter for letter in word if letter in _TELLING]
    # A word counts once however many of its letters tell: a name in quotation marks must not outvote the sentence.
    # A foreign name in a Russian text brings some of its letters along: they count less against Russian than for others.
    scores = tuple(
        [
            max(-1.0, min(2.5, sum([own.get(letter, -0.7) for letter in told])))
            if language == "ru"
            else max(-3.0, min(2.5, sum([own.get(letter, -2.0) for letter in told])))
            for language, own in _CYRILLIC.items()
        ]
    )
    return _Heard(letters, scores, "kk" if len(word) > 4 and word.endswith(_KAZAKH_ENDINGS) else "", is_kyrgyz, doubles)


def _latin(words: list[str], hint: str) -> str:
    said = Counter(language for word in words if word in _LATIN_SAYING for language in _LATIN_SAYING[word])
    text = " ".join(words)
    if _is_plainly_english(text, said, len(words)):
        return "en"
    letters = _letters(words)
    count = letters.get
    marks = sum([number for letter, number in letters.items() if letter > "\x7f" and letter.isalpha()])
    scores: dict[str, float] = {}
    for language in _LATIN_WORDS:
        own = _LATIN_LETTERS.get(language, {})
        fitting = sum([letters[letter] * weight for letter, weight in own.items() if letter in letters])
        foreign = marks and marks - sum([letters[letter] for letter in own if letter > "\x7f" and letter in letters])
        scores[language] = 1.5 * said.get(language, 0) + fitting - 0.5 * foreign
    lone_q = sum([1 for word in words if "q" in word and _Q_ALONE.search(word)])
    apostrophes = len(_APOSTROPHE.findall(text)) if any(sign in text for sign in _APOSTROPHES) else 0
    scores["kk-Latn"] += 0.9 * lone_q - 1.5 * apostrophes - 2 * count("ə", 0) - 0.7 * count("x", 0) - 0.7 * count("ç", 0)
    scores["uz"] += 0.6 * lone_q + 1.5 * apostrophes - count("ı", 0) - count("w", 0) * 0.3
    scores["az"] += 0.5 * lone_q
    scores["kaa"] += 0.7 * lone_q
    for language in ("tr", "tk"):
        scores[language] -= 1.5 * lone_q
    scores["kk-Latn"] += 0.35 * sum(1 for word in words if len(word) > 5 and word.endswith(_KAZAKH_LATIN_ENDINGS))
    scores["en"] += 0.5 * sum(1 for word in words if len(word) > 4 and word.endswith(_ENGLISH_ENDINGS)) - lone_q
    if not marks and not apostrophes:
        scores["en"] += 1.0  # plain ASCII without a sign of another language is English before it is anything else
    return _decide(scores, hint, otherwise="en" if marks <= len(text) // 50 else "und")


def _is_plainly_english(text: str, said: Counter[str], words: int) -> bool:
    """Whether no other language could catch up by its letters, endings and the hint: most English texts are told by small words alone."""
    text = text.replace("’", "'")
    if not text.isascii() or "`" in text or "o'" in text or "g'" in text or _Q_ALONE.search(text):
        return False
    others = max((count for language, count in said.items() if language != "en"), default=0)
    return 1.5 * said["en"] > 1.5 * others + 1.0 + max(0.35 * words, 0.2 * text.count("w"))


def _decide(scores: dict[str, float], hint: str, *, otherwise: str) -> str:
    hinted = next(
        (language for language in scores if hint and (hint == language.lower() or hint.partition("-")[0] == language)), ""
    )
    if hinted:
        scores[hinted] += 1.0
    best = max(scores, key=lambda language: scores[language])
    if scores[best] <= 0:
        best = hinted or otherwise
    return best if best in KNOWN else "und"
