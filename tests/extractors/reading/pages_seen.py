"""Small pages of our own writing, one for each thing that comes instead of an article, and articles that look like them."""

from __future__ import annotations

ANNOUNCED = "Полиция задержала участников мирной акции в Уральске"

WALLS = {
    "challenge-cloudflare": (
        "challenge",
        "<html><head><title>Just a moment...</title></head><body><h1>shop.example</h1><p>Checking if the site connection is secure</p>"
        "<script>window._cf_chl_opt={}</script></body></html>",
    ),
    "challenge-ddos-guard": (
        "challenge",
        "<html><head><title>DDoS-Guard</title></head><body><script src='/.well-known/ddos-guard/js-challenge/index.js'></script>"
        "<p>Проверяем ваш браузер перед переходом на сайт</p></body></html>",
    ),
    "challenge-captcha": (
        "challenge",
        "<html><head><title>Вы не робот?</title></head><body><div class='smart-captcha'></div><p>Подтвердите, что запросы отправляли вы.</p></body></html>",
    ),
    "challenge-cookie-script": (
        "challenge",
        "<html><body><script>document.cookie='k=1; path=/'; window.location.reload()</script></body></html>",
    ),
    "javascript-en": (
        "javascript",
        "<html><head><title>News</title></head><body><div id='root'></div><noscript>You need to enable JavaScript to run this app.</noscript></body></html>",
    ),
    "javascript-ru": (
        "javascript",
        "<html><head><title>Новости</title></head><body><noscript><p>Для работы сайта необходимо включить JavaScript в браузере.</p></noscript></body></html>",
    ),
    "soft-404-en": (
        "soft-404",
        "<html><head><title>Page not found</title></head><body><h1>Oops!</h1><p>The page you are looking for could not be found. Try the search.</p></body></html>",
    ),
    "soft-404-ru": (
        "soft-404",
        "<html><head><title>Страница не найдена — Вестник</title></head><body><main><p>К сожалению, материал был удалён или никогда не существовал."
        " Попробуйте начать с главной страницы нашего сайта.</p></main></body></html>",
    ),
    "soft-404-kk": (
        "soft-404",
        "<html><head><title>Хабаршы</title></head><body><h1>404</h1><p>Өкінішке қарай, бұл бет табылмады. Басты бетке өтіңіз.</p></body></html>",
    ),
    "error-page": (
        "error-page",
        "<html><head><title>502 Bad Gateway</title></head><body><center><h1>502 Bad Gateway</h1></center><hr><center>nginx</center></body></html>",
    ),
    "maintenance": (
        "error-page",
        "<html><head><title>Вестник</title></head><body><h1>На сайте ведутся технические работы</h1><p>Мы скоро вернёмся.</p></body></html>",
    ),
    "login": (
        "login",
        "<html><head><title>Авторизация</title></head><body><form><p>Войдите на сайт, чтобы продолжить.</p><input name='l'>"
        "<input type='password' name='p'><a href='/forgot'>Забыли пароль?</a></form></body></html>",
    ),
    "consent-en": (
        "consent",
        "<html><head><title>Before you continue</title></head><body><div><p>We and our partners use cookies and personal data to improve the site."
        " You can accept all cookies or manage your consent. Your privacy matters: choose which cookies you consent to.</p></div></body></html>",
    ),
    "consent-ru": (
        "consent",
        "<html><head><title>Вестник</title></head><body><div><p>Мы используем файлы cookie. Продолжая, вы даёте согласие на обработку"
        " персональных данных и принимаете политику конфиденциальности. Настройте куки.</p></div></body></html>",
    ),
    "paywall-en": (
        "paywall",
        f"<html><head><title>{ANNOUNCED}</title></head><body><article><h1>{ANNOUNCED}</h1><p>The rally began in the morning near the town hall.</p>"
        "<p>Subscribe to continue reading. Already a subscriber? Sign in.</p></article></body></html>",
    ),
    "paywall-ru": (
        "paywall",
        f"<html><head><title>{ANNOUNCED}</title></head><body><article><h1>{ANNOUNCED}</h1><p>Акция началась утром у здания акимата.</p>"
        "<p>Полный текст доступен только для подписчиков. Оформите подписку.</p></article></body></html>",
    ),
    "empty": ("empty", "<html><head><title>Вестник</title></head><body><div id='app'></div></body></html>"),
    "too-little": ("empty", "<html><head><title>Вестник</title></head><body><p>Реклама на сайте</p></body></html>"),
}

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
        "Жители жалуются, что сайт акимата просит подтвердить, что они не роботы. Введите символы с картинки, требует он от каждого.",
    ),
    "on error 404": (
        "ru",
        "Страница не найдена: с сайта суда исчезли приговоры",
        "С сайта областного суда исчезли приговоры участникам протестов. Вместо документов открывается страница с ошибкой 404.",
    ),
    "on a law about personal data": (
        "ru",
        "Мажилис принял поправки о персональных данных",
        "Мажилис принял поправки в закон о персональных данных. Согласие граждан станет обязательным, штрафы вырастут вдвое, "
        "а владельцев сайтов обяжут хранить данные внутри страны. Депутаты спорили о поправках почти три часа и отклонили "
        "большинство предложений правозащитников, сообщает корреспондент из зала заседаний.",
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
