"""Every page that the menus lead to, as nobody, as an account's owner and as Postmaster, in both languages, looked at closely."""
import office
from office import Wrong

LANGUAGES = ('ja', 'en')
problems = []
# Pages whose addresses differ by a number or name only: one of a kind is looked at.
MOST_OF_A_KIND = 2


def kind(path):
    return tuple('#' if any(c.isdigit() for c in part) or '@' in part or '%' in part else part for part in path.split('?')[0].split('/'))


def crawl(web, start, language, skip):
    """Looks at `start` and at all that can be reached from there."""
    waiting, seen, kinds = [start], set(), {}
    while waiting:
        path = waiting.pop(0)
        if path in seen or any(path.startswith(s) for s in skip):
            continue
        seen.add(path)
        same = kind(path)
        kinds[same] = kinds.get(same, 0) + 1
        if kinds[same] > MOST_OF_A_KIND:
            continue
        try:
            web.open(path)
            if web.driver.execute_script('return document.contentType') != 'text/html':
                continue
            waiting += [link.split('#')[0] for link in web.links()]
            web.look()
            heading = web.driver.find_elements('css selector', 'h1')
            if len(heading) != 1 or not heading[0].text.strip():
                raise Wrong('%s: %d headings' % (path, len(heading)))
        except Wrong as wrong:
            # All of them are told, at the end.
            problems.append(str(wrong))
    return seen


def keyboard(web):
    """The first stop of the tabulator key leads past the menu; every stop can be seen."""
    from selenium.webdriver.common.keys import Keys
    stops = []
    for _ in range(60):
        web.driver.switch_to.active_element.send_keys(Keys.TAB)
        stop = web.driver.execute_script(
            'const e = document.activeElement; if (e === document.body) return null;'
            'const r = e.getBoundingClientRect(), s = getComputedStyle(e);'
            'return [e.outerHTML.slice(0, 100), r.width > 0 && r.height > 0, s.outlineStyle !== "none" || s.boxShadow !== "none"];')
        if stop is None:
            break
        stops.append(stop)
        if not stop[1] or not stop[2]:
            raise Wrong('%s: no sign of the keyboard at %s' % (web.path(), stop[0]))
    if not stops:
        raise Wrong('%s: nothing can be reached by keyboard' % web.path())


def look_at_wrap_up(web, language):
    """It is there until somebody has submitted it; wrong first, with everything typed kept and a problem at each field."""
    if not web.path().startswith('/wrap-up'):
        return 0
    web.look()
    for other in LANGUAGES:
        web.open('/wrap-up?language=' + other)
        web.fill(real_name='山田 花子', password='abc', addresses='hanako@example.test', login_name='')
        web.field('password.again').send_keys('abd')
        web.submit()
        wrong = {e.get_attribute('name') for e in web.driver.find_elements('css selector', '[aria-invalid=true]')}
        if not {'password', 'login-name'} <= wrong or 'real-name' in wrong:
            raise Wrong('the wrap-up form complains of %s' % sorted(wrong))
        if web.field('real-name').get_attribute('value') != '山田 花子' or web.field('password').get_attribute('value'):
            raise Wrong('the wrap-up form has forgotten a name or kept a password')
        web.look()
    web.open('/wrap-up?language=' + language)
    web.wrap_up()
    return 2


def body(web, postmaster, word, *_):
    pages = 0
    for language in LANGUAGES:
        web.language(language)
        pages += len(crawl(web, '/', language, web.ends))
        keyboard(web)
        web.log_in('bob@example.test', word)
        pages += len(crawl(web, web.path(), language, web.ends))
        keyboard(web)
        web.log_out()
        web.log_in('postmaster@example.test', postmaster)
        pages += look_at_wrap_up(web, language)
        pages += len(crawl(web, '/menu', language, web.ends))
        web.open('/menu')
        keyboard(web)
        web.log_out()
    try:
        web.validate()
    except Wrong as wrong:
        problems.append(str(wrong))
    if problems:
        raise Wrong('\n'.join(problems))
    if pages < 40:
        raise Wrong('%d pages only were found' % pages)


office.play(body)
