"""The work of a day without a mouse: everything from login to logout with Tab, Enter, Space, arrows and letters."""
import smtplib
import time

import office
from office import Wrong
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select

LANGUAGES = ('ja', 'en')


def follow(web, css):
    """To a link or a button, and press it."""
    web.tab_to(css)
    web.turn(Keys.ENTER)


def log_in(web, login, word):
    web.tab_to('[name=login]')
    web.press(login, Keys.TAB, word)
    web.turn(Keys.ENTER)


def rise(web, word):
    """The owner's menu leads on to the postmaster's."""
    follow(web, 'a[href="/rise"]')
    web.tab_to('[name=password]')
    web.press(word)
    web.turn(Keys.ENTER)
    if not web.has('.badge'):
        raise Wrong('no postmaster after rising: ' + web.text()[:300])


def add_account(web, name):
    follow(web, 'a[href="/accounts"]')
    # Past the menu: the first stop of each page.
    web.press(Keys.TAB)
    if web.driver.execute_script('return document.activeElement.className') != 'skip':
        raise Wrong('the first stop does not lead past the menu')
    web.press(Keys.ENTER)
    follow(web, 'main a[href="/accounts/new"]')
    web.tab_to('[name=real-name]')
    web.press('Keyboard ' + name)
    web.tab_to('[name=addresses]')
    web.press(name + '@example.test')
    web.tab_to('[name="password"]')
    web.press('a word by keys', Keys.TAB, 'a word by keys')
    # Enter in a line sends the form, as people expect of it.
    web.turn(Keys.ENTER)
    if not web.has('.notice.done'):
        raise Wrong('the account was not added: ' + web.text()[:500])


def change_setting(web):
    """A box by Space, a choice by arrows, help by Enter."""
    follow(web, 'nav a[href="/configuration"]')
    follow(web, 'main a[href="/configuration/mail-routing"]')
    web.tab_to('[name=greeting-mail][type=checkbox]')
    before = web.driver.execute_script('return document.activeElement.checked')
    web.press(Keys.SPACE)
    web.tab_to('[name=detail-separator]')
    chosen = web.driver.execute_script('return document.activeElement.selectedIndex')
    web.press(Keys.ARROW_DOWN if chosen == 0 else Keys.ARROW_UP)
    web.tab_to('details.help summary')
    web.press(Keys.ENTER)
    if not web.driver.execute_script('return document.activeElement.parentElement.open'):
        raise Wrong('help does not open by keyboard')
    follow(web, 'main form[data-warn] button[type=submit]')
    box = web.driver.find_element('css selector', '[name=greeting-mail][type=checkbox]')
    other = Select(web.field('detail-separator')).options
    now = next(i for i, option in enumerate(other) if option.is_selected())
    if not web.has('.notice.done') or box.is_selected() == before or now == chosen:
        raise Wrong('the settings were not changed: ' + web.text()[:300])


def retry(web):
    """To the queue, into an entry, and try it now."""
    follow(web, 'nav a[href="/queue"]')
    for _ in range(100):
        if web.has('main td a[href^="/queue/"], main th a[href^="/queue/"]'):
            break
        time.sleep(0.1)
        web.open('/queue')
    follow(web, 'main th a[href^="/queue/"], main td a[href^="/queue/"]')
    # The entry that is held is released, or tried.
    follow(web, 'main button[value=retry]')
    if web.has('.notice.failure') or not web.has('.notice.done'):
        raise Wrong('an entry was not tried: ' + web.text()[:500])


def search(web):
    follow(web, 'nav a[href="/trail"]')
    web.tab_to('main [name=q]')
    web.press('elsewhere.test')
    web.turn(Keys.ENTER)
    if 'elsewhere.test' not in web.text():
        raise Wrong('the trail does not find the message: ' + web.text()[:300])


def body(web, postmaster, word, smtp, submission, *_):
    web.log_in('postmaster@example.test', postmaster)
    web.wrap_up()
    web.log_out()
    with smtplib.SMTP('127.0.0.1', int(submission)) as mail:
        mail.login('bob', word)
        mail.sendmail('bob@example.test', ['x@elsewhere.test'], 'From: bob@example.test\r\nSubject: waits\r\n\r\nx\r\n')
    for language in LANGUAGES:
        web.language(language)
        log_in(web, 'hanako@example.test', 'her own words')
        rise(web, postmaster)
        add_account(web, 'keys-' + language)
        change_setting(web)
        retry(web)
        search(web)
        follow(web, 'header form[action="/logout"] button')
        if web.has('header form[action="/logout"]'):
            raise Wrong('still logged in')


office.play(body)
