"""Small pages of our own writing, one for each thing that comes instead of an article, and articles that look like them."""

from __future__ import annotations

from pathlib import Path

ANNOUNCED = "Полиция задержала участников мирной акции в Уральске"

# What comes instead of an article, a small page each, named by the kind of refusal it must meet.
WALLS = {path.stem: path for path in sorted((Path(__file__).parent / "walls").glob("*.html"))}

SHORT_NEWS = {
    "two sentences in Russian": (
        "ru",
        ANNOUNCED,
        "В Уральске полиция задержала шестерых участников акции на площади. Их доставили в отделение, сообщили правозащитники.",
    ),
    "two sentences in Kazakh": (
        "kk",
        "Жаңаөзенде мұнайшылар ереуілге шықты",
        "Жаңаөзенде жүзге жуық мұнайшы жұмысқа шықпай, ереуіл жариялады. Олар жалақыны көтеруді талап етіп отыр.",
    ),
    "two sentences in English": (
        "en",
        "Activist released after ten days",
        "An activist was released on Friday after ten days under administrative arrest. She had held a one-person picket.",
    ),
    "on robots and captchas": (
        "ru",
        "Сайт акимата закрыли капчей: вы не робот?",
        (
            "Жители жалуются, что сайт акимата просит подтвердить, что они не роботы. Введите символы "
            "с картинки, требует он от каждого."
        ),
    ),
    "on error 404": (
        "ru",
        "Страница не найдена: с сайта суда исчезли приговоры",
        "С сайта областного суда исчезли приговоры участникам протестов. Вместо документов открывается страница с ошибкой 404.",
    ),
    "on a law about personal data": (
        "ru",
        "Мажилис принял поправки о персональных данных",
        (
            "Мажилис принял поправки в закон о персональных данных. Согласие граждан станет обязательным, штрафы вырастут вдвое, "
            "а владельцев сайтов обяжут хранить данные внутри страны. Депутаты спорили о поправках почти три часа и отклонили "
            "большинство предложений правозащитников, сообщает корреспондент из зала заседаний."
        ),
    ),
}


def article(title: str, text: str) -> str:
    """A page as small outlets have it: a menu, the article, a banner about cookies, a footer."""
    return (
        f"<!doctype html><html lang='ru'><head><meta charset='utf-8'><title>{title} | Вестник</title></head><body>"
        "<nav><a href='/'>Главная</a><a href='/news/'>Новости</a><a href='/login/'>Войти</a></nav>"
        f"<main><article><h1>{title}</h1><p>{text}</p></article></main>"
        "<div class='cookie-banner'>Мы используем cookie. <a href='/privacy'>Подробнее</a></div>"
        "<footer>© Вестник. Подпишитесь на рассылку.</footer></body></html>"
    )
