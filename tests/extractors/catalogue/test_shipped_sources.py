"""The list we ship: it loads, is broad enough, is sorted, and claims nothing that nobody saw."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from domain.settings import HOUSE
from domain.values import RungKind, Source, SourceState
from domain.yamlfile import load_yaml
from extractors.catalogue import load_sources

FOLDER = HOUSE / "sources"
# ISO 3166-2 of the division of 2022: regions and cities of their own.
REGIONS = {f"KZ-{code}" for code in (10, 11, 15, 19, 23, 27, 31, 33, 35, 39, 43, 47, 55, 59, 61, 62, 63, 71, 75, 79)}
OIL_WEST = {"KZ-15", "KZ-23", "KZ-27", "KZ-47"}


@pytest.fixture(scope="module")
def sources() -> tuple[Source, ...]:
    return load_sources(FOLDER)


def test_the_list_covers_languages_owners_and_the_oil_west(sources: tuple[Source, ...]) -> None:
    languages = Counter(language for source in sources for language in source.languages)
    owners = Counter(source.ownership for source in sources if source.ownership)
    regions = Counter(source.region for source in sources if source.region)
    assert len(sources) >= 90
    assert min(languages["en"], languages["ru"], languages["kk"]) >= 25
    assert set(owners) == {"state", "independent", "exile", "foreign"}
    assert min(regions[region] for region in OIL_WEST) >= 3


def test_what_is_called_working_says_who_saw_it_and_when(sources: tuple[Source, ...]) -> None:
    working = [source for source in sources if source.state is SourceState.WORKING]
    assert working
    assert all(source.verified and source.verified_by for source in working)
    assert not [source.id for source in sources if source.state is SourceState.LISTED and source.verified]


def test_regions_exist(sources: tuple[Source, ...]) -> None:
    assert {source.region for source in sources if source.region} <= REGIONS


def test_every_source_that_is_dead_or_in_conflict_says_why(sources: tuple[Source, ...]) -> None:
    assert not [source.id for source in sources if source.state in (SourceState.DEAD, SourceState.CONFLICT) and not source.note]


def test_a_third_of_the_sources_have_a_rung_to_fall_back_on(sources: tuple[Source, ...]) -> None:
    with_feed = [source for source in sources if source.rungs[0].kind is RungKind.FEED]
    assert sum(len(source.rungs) > 1 for source in with_feed) >= len(with_feed) / 3


@pytest.mark.parametrize("file", sorted(FOLDER.glob("*.yaml")), ids=lambda path: path.name)
def test_each_file_is_sorted_by_id(file: Path) -> None:
    ids = [stanza["id"] for stanza in load_yaml(file).data]
    assert ids == sorted(ids)


def test_the_numbers_told_in_the_documentation_are_those_of_the_list(sources: tuple[Source, ...]) -> None:
    page = " ".join((HOUSE / "docs" / "sources.md").read_text(encoding="utf-8").split())
    states = Counter(source.state for source in sources)
    languages = Counter(language for source in sources for language in source.languages)
    regions = [source.region for source in sources if source.region]
    assert f"{len(sources)} sources are shipped" in page
    assert f"{languages['ru']} in Russian, {languages['kk']} in Kazakh, {languages['en']} in English" in page
    assert f"{len(regions)} of them regional, among them {sum(region in OIL_WEST for region in regions)} of the oil west" in page
    for state in SourceState:
        row = next(line for line in page.split("| `") if line.startswith(state.value))
        assert row.split(" |")[2].strip() == str(states[state]), state
