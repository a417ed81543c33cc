"""The words and marks by which walls, stubs and error pages give themselves away, in three languages; no decisions.

``plausible`` decides: a sign alone proves nothing, since articles speak of cookies, captchas and error 404 too.
"""

from __future__ import annotations

import re


def _any(*signs: str) -> re.Pattern[str]:
    return re.compile("|".join(signs), re.IGNORECASE | re.DOTALL)


CHALLENGE_TITLE = _any(
    r"^\s*(?:just a moment|attention required|checking your browser|ddos[ -]?guard|please wait|security check|access denied)",
    (
        r"^\s*(?:are you (?:a )?(?:human|robot)|bot verification|human verification|verif\w+ you "
        r"are|one more step|you have been blocked)"
    ),
    r"^\s*(?:request unsuccessful|pardon our interruption)",
    r"^\s*(?:подтвердите|проверка браузера|вы (?:не )?робот|я не робот|доступ (?:ограничен|запрещ[её]н)|ой!)",
    r"^\s*(?:қол жеткізу шектелген)",
)
CHALLENGE_MARKUP = _any(
    r"cf-browser-verification|cf_chl_opt|cf-challenge|challenge-error-text|cf-turnstile",
    r"ddos-guard|__ddg\d|/\.well-known/ddos-guard|__qrator|qauth|stormwall|variti",
    r"_Incapsula_Resource|incident_id|px-captcha|datadome|geo\.captcha-delivery|awswafcookie|aws-waf-token|sgcaptcha",
    r"captcha-container|smart-?captcha|g-recaptcha|h-?captcha",
    r"slowaes|toNumbers\(|document\.cookie\s*=\s*[\"'][^\"']+[\"'].{0,200}location",
)
CHALLENGE_TEXT = _any(
    (
        r"checking (?:your|if the site)|verify(?:ing)? (?:that )?you are (?:a )?human|enable "
        r"cookies|unusual traffic|ray id|not a robot"
    ),
    r"you have been blocked|access denied|website firewall|if you are the (?:site|website) owner",
    r"проверя\w+ (?:ваш )?браузер|(?:вы|я) не робот|введите (?:символы|код) с картинки|подтвердите, что|робот емес",
)
BLOCKED = _any(
    r"доступ\w* (?:\S+ ){0,5}(?:ограничен|заблокирован|запрещ[её]н)\w*|(?:интернет-?ресурс|сайт|ресурс)\w* (?:\S+ ){0,4}заблокирован",
    r"реестр\w* запрещ[её]нн|eais\.rkn\.gov\.ru|blocked (?:by|in accordance with|under) (?:\S+ ){0,4}(?:court|law|order|authorit)",
    r"(?:қол ?жеткізу|қолжетімділік|қол ?жетімділік)\w* (?:\S+ ){0,3}(?:шектел|бұғаттал)|ресурс\w* (?:\S+ ){0,3}бұғаттал",
    r"уважаем\w+ (?:абонент|клиент|пользовател)|құрметті (?:абонент|клиент|пайдаланушы)|пополните (?:баланс|сч[её]т)|лицев\w+ сч[её]т",
)
"""What a provider or an authority puts in place of a page: news are about just that, so that it must not be what was announced."""
JAVASCRIPT = _any(
    r"(?:enable|turn on|requires?|activate|without|disabled?)\W{1,3}(?:\w+\W{1,3}){0,4}java ?script",
    r"java ?script (?:is |must be |to be )?(?:\w+ )?(?:disabled|required|enabled|off)",
    r"включит\w+ (?:\w+ ){0,4}java ?script|java ?script (?:отключ|выключ|необходим|должен)|(?:без|поддержк\w+) java ?script",
    r"java ?script-?(?:ті|ты)? (?:қос|өшір)",
)
NOT_FOUND = _any(
    r"\b404\b|\b410\b|\bnot found\b",
    (
        r"(?:page|article|story|content|material|post) (?:\w+ ){0,6}(?:not (?:be "
        r")?(?:found|available|exist)|n[o']t exist|no longer|been (?:removed|deleted))"
    ),
    (
        r"(?:страниц\w|материал|публикаци\w|новост\w|стать\w|запис\w|документ) (?:\w+ ){0,3}(?:не "
        r"найден|не существу|удал[её]н|недоступ|снят)"
    ),
    r"не найден[ао]?\b|ничего не найдено|запрашиваем\w+ (?:вами )?(?:страниц|документ)",
    r"(?:бет|материал|мақала|парақша) (?:\w+ )?(?:табылмады|жойылған|жоқ)|табылмады|барак табылган жок|sahifa topilmadi",
)
SERVER_ERROR = _any(
    r"^\W*(?:error|ошибка|қате)?\W*(?:50\d\b|bad gateway|service unavailable|internal server error|gateway time-?out)",
    r"(?:database|базы данных|базой данных) (?:connection )?(?:error|ошибка)|error establishing a database|fatal error\s*:|mysql query error|stack trace\s*:",
    r"технические работы|техническое обслуживание|under maintenance|maintenance mode|temporarily unavailable|временно недоступ",
    r"account (?:has been )?suspended|default web (?:site )?page|welcome to nginx",
    r"domain (?:is )?(?:for sale|parked)|домен (?:прода[её]тся|припаркован|не оплачен)|срок регистрации домена",
)
PAYWALL = _any(
    (
        r"subscrib\w+ (?:to|now to|today to) (?:continue|read|keep|unlock|access)|already a "
        r"(?:subscriber|member)|to (?:continue|keep) reading"
    ),
    (
        r"(?:article|story|content) is (?:\w+ ){0,3}(?:subscribers|members)|(?:exclusive|only) "
        r"(?:for|to) (?:\w+ )?(?:subscribers|members)"
    ),
    r"unlock this (?:article|story)|free articles? (?:left|remaining)|start your (?:free )?trial",
    r"(?:доступн\w+|открыт\w*|только) (?:только )?(?:\w+ )?(?:для |по )?подписчик|оформи\w+ подписк|по подписке",
    r"чтобы (?:про)?читать (?:\w+ )?(?:дал|полност|статью)|(?:продолжени|полн\w+ (?:текст|верси))\w* (?:\w+ ){0,4}подпис",
    r"жазыл(?:ып|у|ыңыз)\w* (?:\w+ ){0,2}(?:оқ|толық)|толық оқу үшін",
)
LOGIN = _any(
    r"(?:log|sign) ?in (?:to|with|or)|please (?:log|sign) in|forgot (?:your )?password|create (?:an )?account",
    r"войдите|войти (?:в|через|с)|авторизуйтесь|необходимо авториз|забыли пароль|регистрация на сайте",
    r"кіру үшін|құпия ?сөз|жүйеге кір",
)
LOGIN_TITLE = _any(r"^\s*(?:log ?in|sign ?in|вход|войти|авторизация|регистрация|кіру|тіркелу)\b")
CONSENT = _any(
    r"cookies?|consent|your privacy|personal data|legitimate interest|our partners|gdpr",
    r"(?:accept|reject|manage|allow) (?:all|preferences|settings|choices)|(?:принять|отклонить|разрешить) все|бәрін қабылдау",
    r"куки|персональн\w+ данн|конфиденциальност|согла(?:си|ша)\w|согласен|жеке деректер|келісім",
)
CONSENT_TITLE = _any(
    r"consent|cookie|privacy|your data|before you continue", r"куки|согласие на обработку|конфиденциальност", r"жеке деректер"
)
PASSWORD = _any(r"<input\b[^>]{0,300}type\s*=\s*[\"']?password")
