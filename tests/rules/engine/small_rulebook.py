"""A small rules folder written for the tests of the engine, that a test may change and load."""

from __future__ import annotations

from pathlib import Path

from rules.engine.rulebook import Rulebook, load_rulebook

RULEBOOK = "name: Test\ncountry: kz\nlanguages: [en, ru, kk]\n"
ENTITIES = """
- {id: kz, type: country, names: {en: [Kazakhstan], ru: [Казахстан], kk: [Қазақстан]}}
- {id: kazakh, type: group, names: {en: [Kazakh], ru: [{text: казахстанский, inflect: adjective}]}}
- {id: almaty, type: city, region: KZ-75, names: {en: [Almaty], ru: [Алматы, Алма-Ата], kk: [Алматы]}}
- {id: semey, type: city, names: {ru: [{text: Семей, only: capitalised}], kk: [Семей]}}
- {id: oral, type: city, region: KZ-27, names: {en: [{text: Oral, only: capitalised-and-anchored}], ru: [Уральск], kk: [Орал]}}
- {id: zhanaozen, type: city, region: KZ-47, names: {en: [Zhanaozen], ru: [Жанаозен], kk: [Жаңаөзен]}}
- {id: mangystau, type: region, region: KZ-47, names: {en: [Mangystau Region], ru: [Мангистауская область],
kk: [Маңғыстау облысы]}}
- id: mamay
  type: person
  names: {ru: [Жанболат Мамай], en: [Zhanbolat Mamay], kk: [Жанболат Мамай]}
  surnames: {ru: [Мамай], en: [Mamay]}
- {id: utepova, type: person, names: {ru: [Айгуль Утепова], en: [Aigul Utepova]}}
- {id: dvk, type: movement, names: {ru: [Демократический выбор Казахстана, ДВК], kk: [ДВК], en: [DVK]}}
- {id: outlet, type: media, names: {en: [Almaty Times]}}
- {id: russia, type: country, foreign: true, names: {en: [Russia], ru: [Россия], kk: [Ресей]}}
- {id: bishkek, type: city, foreign: true, names: {en: [Bishkek], ru: [Бишкек], kk: [Бішкек]}}
- {id: xinjiang, type: region, foreign: true, names: {en: [Xinjiang]}}
"""
LEXICON = """
- {id: act, tags: [protest_act], en: ["protest:nv", "rally:nv", "sit-in:n", "hunger strike:n"], ru: [митинг, акция протеста,
забастовка, "бастовать:v"],
   kk: [митинг, наразылық акциясы, ереуіл]}
- {id: police, en: [police], ru: [полиция, "задержать:v"], kk: [полиция, "ұстау:v"]}
- {id: verdict, kk: [үкім]}
- {id: atom, ru: [атом]}
- {id: memorial, ru: [жертва]}
- {id: sport, en: [match], ru: [матч]}
- {id: motor, decoy: true, en: ["car rally:n"], ru: [ралли, протест прокурора]}
"""
RULES = """
- id: protest
  theme: protest
  threshold: 4
  title_threshold: 5
  signals:
    - {name: act, any: [protest_act], anchor: kz, points: 3}
    - {name: act with police, any: [act], with: [police], within: sentence, points: 2}
  penalties:
    - {name: sport, any: [sport], within: sentence, points: -2}
  flag: [{en: "Police watched a protest in Almaty."}]
  ignore: [{en: "The car rally reached Almaty."}]
"""


class Folder:
    """A rules folder on disk that a test may change and load."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for part in ("entities", "lexicon", "rules"):
            (root / part).mkdir(parents=True)
        self.write("rulebook.yaml", RULEBOOK)
        self.write("entities/all.yaml", ENTITIES)
        self.write("lexicon/all.yaml", LEXICON)
        self.write("rules/all.yaml", RULES)

    def write(self, name: str, text: str) -> Path:
        path = self.root / name
        path.write_text(text, encoding="utf-8")
        return path

    def load(self, cache: Path | None = None) -> Rulebook:
        return load_rulebook(self.root, cache)
