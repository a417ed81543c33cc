"""Our YAML files are read safely and every key keeps its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from domain.errors import ConfigError
from domain.yamlfile import load_yaml, read_yaml

FILE = Path("some.yaml")


def refusal(body: bytes) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        read_yaml(body, FILE)
    return caught.value


def test_keys_and_items_keep_their_lines() -> None:
    file = read_yaml(b"a: 1\nlist:\n  - x: 1\n    y: 2\n  - x: 3\n", FILE)
    assert file.data == {"a": 1, "list": [{"x": 1, "y": 2}, {"x": 3}]}
    assert [file.line("a"), file.line("list", 0, "y"), file.line("list", 1), file.line("list", 1, "x")] == [1, 4, 5, 5]


def test_a_path_the_file_does_not_have_gets_the_line_of_what_is_around_it() -> None:
    file = read_yaml(b"a: 1\nb:\n  c: 2\n", FILE)
    assert file.line("b", "missing") == 2
    assert file.line("b", "a-union-member", "c") == 3
    assert str(file.refuse("no such key", "b", "d")) == "some.yaml:2: b.d: no such key"


def test_words_that_yaml_makes_booleans_dates_or_clocks_stay_text() -> None:
    body = b"[no, yes, on, off, y, 12:30, 2026-09-06, 0123, 1_000, .inf, NaN, 0x1f]"
    assert all(type(value) is str for value in read_yaml(body, FILE).data)


def test_numbers_booleans_and_nothing_are_read_as_such() -> None:
    body = b"[1, -2, 2.5, 1.5e3, true, false, null, ~, '1', \"true\", '']"
    assert read_yaml(body, FILE).data == [1, -2, 2.5, 1500.0, True, False, None, None, "1", "true", ""]


def test_keys_are_always_text() -> None:
    assert read_yaml(b"{2021: a, true: b, no: c}", FILE).data == {"2021": "a", "true": "b", "no": "c"}


def test_a_byte_order_mark_and_windows_line_ends_are_read() -> None:
    file = read_yaml("\ufeffa: Шеру\r\nb: 2\r\n".encode(), FILE)
    assert file.data == {"a": "Шеру", "b": 2}
    assert file.line("b") == 2


def test_an_empty_file_is_nothing() -> None:
    assert read_yaml(b"# only a comment\n", FILE).data is None


@pytest.mark.parametrize(
    ("body", "line", "key", "words"),
    [
        (b"a: 1\nb: 2\na: 3\n", 3, "a", "twice (first on line 1)"),
        (b"- x: 1\n- y: 1\n  y: 2\n", 3, "[1].y", "twice"),
        (b"a: 1\nb: &x 1\n", 2, "b", "anchors"),
        (b"a: &x [1]\n", 1, "a", "anchors"),
        (b"a:\n  b: *x\n", 2, "a.b", "aliases"),
        (b"<<: {a: 1}\n", 1, "", "merge keys"),
        (b"a: !!python/object:os.system x\n", 1, "a", "tags"),
        (b"a: !!map {}\n", 1, "a", "tags"),
        (b"a: 1\n---\nb: 2\n", 2, "", "second document"),
        (b"a:\n\tb: 1\n", 2, "", "indent with spaces"),
        (b"a: 1\nb: \xcf\xf0\n", 2, "", "UTF-8"),
        (b"\xff\xfea\x00", 1, "", "UTF-8"),
        (b"a: 1\nb: \x00\n", 2, "", "U+0000"),
        (b'a: 1\nb: "\\0"\n', 2, "b", "U+0000"),
        (b"? [a]\n: 1\n", 1, "", "a key must be text"),
        (b"a: 1\nb: [1, 2\n", 3, "", "not valid YAML"),
        (b"a: b: c\n", 1, "", "not valid YAML"),
        (b"a: @x\n", 1, "", "not valid YAML"),
        (b"a: 1\n[\n", 3, "", "not valid YAML"),
    ],
)
def test_what_is_refused_names_file_line_and_key(body: bytes, line: int, key: str, words: str) -> None:
    error = refusal(body)
    assert words in str(error)
    assert (error.file, error.line, error.key) == ("some.yaml", line, key)


def test_a_million_brackets_are_refused_by_their_depth() -> None:
    assert "nested deeper than 40 levels" in str(refusal(b"[" * 1_000_000))
    assert "nested deeper" in str(refusal(b'{"a":' * 1_000_000))


def test_a_billion_laughs_are_refused_at_the_first() -> None:
    laughs = b"a: &a [ha, ha]\n" + b"".join(b"%c: &%c [*%c, *%c]\n" % (n + 1, n + 1, n, n) for n in range(97, 120))
    error = refusal(laughs)
    assert (error.line, error.key) == (1, "a")


def test_a_file_too_large_is_not_read_to_its_end() -> None:
    with pytest.raises(ConfigError, match="larger than 8,000,000 bytes"):
        load_yaml(Path("/dev/zero"))


def test_a_missing_file_or_a_folder_is_a_mistake_in_the_data(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such file"):
        load_yaml(tmp_path / "none.yaml")
    with pytest.raises(ConfigError, match="cannot be read"):
        load_yaml(tmp_path)


def test_the_pure_parser_refuses_and_reads_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    import yaml

    import domain.yamlfile as module

    monkeypatch.setattr(module, "_LOADER", yaml.SafeLoader)
    assert read_yaml(b"a: 1\nb:\n  - no\n", FILE).line("b", 0) == 3
    for body in (b"a: &x 1\nb: *x\n", b"a: 1\na: 2\n", b"a: !!str 1\n", b"[" * 5_000):
        refusal(body)
