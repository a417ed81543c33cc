"""Text that browsers show and parsers of HTML 4 lose is put where they find it; all other pages stay as they are."""

from __future__ import annotations

import pytest

from domain.errors import ReadError
from extractors.pageheads import telling
from extractors.pages import parse_page
from extractors.unwrapped import hides_text, unwrapped

URL = "https://news.example/1"


@pytest.mark.parametrize(
    ("wrapped", "plain"),
    [
        ("<svg><foreignObject x=1><p>A</p></foreignObject></svg>", "<div><div x=1><p>A</p></div></div>"),
        (
            '<iframe title="b" srcdoc="&lt;p&gt;A&lt;/p&gt;">',
            '<div><p>A</p></div><iframe title="b" srcdoc="&lt;p&gt;A&lt;/p&gt;">',
        ),
        ("<iframe srcdoc='<xmp>A</xmp>'>", "<div><pre>A</pre></div><iframe srcdoc='<pre>A</pre>'>"),
        ("<b><template shadowrootmode=open>A</template></b>", "<b><div shadowrootmode=open>A</template></b>"),
        ("<LISTING>A</LISTING>", "<pre>A</pre>"),
        ("<marquee>A</marquee><plaintext>B", "<div>A</div><div>B"),
        ("<dialog open>A</dialog>", "<div open>A</div>"),
    ],
)
def test_what_browsers_show_comes_to_stand_in_plain_blocks(wrapped: str, plain: str) -> None:
    assert unwrapped(wrapped, URL) == plain


@pytest.mark.parametrize("markup", ["<p>A</p>", "<svg><path/></svg>", "<template><p>A</p></template>", "<iframe src=x></iframe>"])
def test_all_other_pages_stay_as_they_are(markup: str) -> None:
    assert unwrapped(markup, URL) is markup


@pytest.mark.parametrize(
    "hiding",
    [
        "<svg><foreignObject><p>A</p></foreignObject></svg>",
        "<div><IFRAME title=b SRCDOC='&lt;p&gt;A'></IFRAME></div>",
        "<b><template shadowrootmode=open>A</template></b>",
        "<xmp>A</xmp>",
        "<LISTING>A</LISTING>",
        "<p>B<plaintext>A",
        "<marquee>A</marquee>",
        "<blink>A</blink>",
        "<form><dialog open>A</dialog></form>",
    ],
)
def test_the_tree_of_a_page_tells_that_it_holds_such_text(hiding: str) -> None:
    assert hides_text(telling(parse_page(f"<html><body><p>A</p>{hiding}</body></html>", URL)))


@pytest.mark.parametrize(
    "plain", ["<svg><path/></svg>", "<template><p>A</p></template>", "<iframe src=x></iframe>", "<script>'<dialog>'</script>"]
)
def test_the_tree_of_any_other_page_tells_that_it_holds_none(plain: str) -> None:
    assert not hides_text(telling(parse_page(f"<html><body><p>A</p>{plain}</body></html>", URL)))


def test_a_frame_that_unfolds_into_more_tags_than_pages_have_is_refused() -> None:
    with pytest.raises(ReadError, match="tags"):
        unwrapped(f'<iframe srcdoc="{"&lt;b&gt;" * 130_000}">', URL)
