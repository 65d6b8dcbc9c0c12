"""Passkeys with the browser's own software authenticator, in both languages: made by their owner, used beside the password and in its place,
refused once they are deleted, by the owner and by the postmaster; and what the pages say where there are none.
"""
import json

from selenium.webdriver.common.virtual_authenticator import VirtualAuthenticatorOptions

import office
from forms import command, sentence
from office import Wrong
from steps import LANGUAGES, Step


def device(web, **wishes):
    """A device that does what it is asked without a person."""
    options = VirtualAuthenticatorOptions(
        protocol='ctap2', transport='internal', has_resident_key=True, has_user_verification=True, is_user_verified=True,
        is_user_consenting=True, **wishes)
    web.driver.add_virtual_authenticator(options)


def press(web, css):
    """The button of a form that the script shows and fills."""
    if not web.driver.find_element('css selector', css).is_displayed():
        raise Wrong('%s: the script does not show %s' % (web.path(), css))
    web.submit(css + ' button[type=submit]')


def make(web, word, label, language):
    step = Step(web, '/own/passkeys', '/own/passkeys', language)
    step.open()
    step.put_by_name({'label': label, 'password': word})
    step.submit()
    web.look()
    press(web, 'form[action="/own/passkeys/made"]')
    if not web.has('.notice.done') or label not in web.text():
        raise Wrong('the passkey was not made: ' + web.text()[:700])


def refused(web, css, where):
    """The device says no without leaving the page, in words."""
    web.driver.find_element('css selector', css + ' button[type=submit]').click()
    line = web.driver.find_element('css selector', css + ' [data-word=failed]')
    for _ in range(600):
        if line.is_displayed():
            break
        web.driver.execute_async_script('setTimeout(arguments[0], 100)')
    else:
        raise Wrong('%s: nothing says that the device has no passkey' % where)
    return line.text


def inside(web):
    return bool(web.has('header form[action="/logout"]'))


def owner(web, word, language):
    web.log_in('bob@example.test', word)
    web.open('/own/passkeys')
    web.look()
    step = Step(web, '/own/passkeys', '/own/passkeys', language)
    step.wrong({'label': '', 'password': word}, 'label')
    step.wrong({'label': 'Key', 'password': 'no word of his'}, 'password')
    # Nobody has a passkey here yet.
    web.log_out()
    web.open('/')
    sentence(step, refused(web, 'form[action="/login/passkey"]', 'the login page'), language)
    web.log_in('bob@example.test', word)
    make(web, word, 'Telephone <b>', language)
    web.open('/own/passkeys')
    web.look()
    # The same device is told that it has one.
    step.open()
    step.put_by_name({'label': 'Again', 'password': word})
    step.submit()
    web.driver.find_element('css selector', 'form[action="/own/passkeys/made"] button').click()
    line = web.driver.find_element('css selector', 'form[action="/own/passkeys/made"] [data-word=known]')
    for _ in range(600):
        if line.is_displayed():
            break
        web.driver.execute_async_script('setTimeout(arguments[0], 100)')
    else:
        raise Wrong('nothing says that this device is registered')
    sentence(step, line.text, language)
    web.log_out()
    # Beside the password.
    web.log_in('bob@example.test', word, fails=True)
    if web.driver.find_element('css selector', 'form[action="/login/passkey"] button').text not in ('Use a passkey', 'パスキーを使う'):
        raise Wrong('the button of the second step is not named')
    press(web, 'form[action="/login/passkey"]')
    if not inside(web):
        raise Wrong('the passkey does not let its owner in: ' + web.text()[:700])
    web.log_out()
    # In its place; the second time shows that the device counts on.
    for _ in range(2):
        web.open('/')
        press(web, 'form[action="/login/passkey"]')
        if not inside(web):
            raise Wrong('the passkey alone does not let its owner in: ' + web.text()[:700])
        web.log_out()
    # A device that did not ask who holds it is not enough alone.
    web.driver.set_user_verified(False)
    web.open('/')
    refused(web, 'form[action="/login/passkey"]', 'a device that does not know who holds it')
    web.driver.set_user_verified(True)
    web.open('/')
    press(web, 'form[action="/login/passkey"]')
    # Where the pages lead to somewhere, the passkey does, too.
    web.log_out()
    web.open('/own/sessions')
    press(web, 'form[action="/login/passkey"]')
    if web.path() != '/own/sessions':
        raise Wrong('the passkey leads to ' + web.path())


def delete(web, word, language):
    web.open('/own/passkeys')
    web.leave(lambda: web.driver.find_element('css selector', 'main td a[href^="/own/passkeys/"]').click())
    web.look()
    step = Step(web, web.path(), web.path(), language)
    step.wrong({'password': 'no word of his'}, 'password')
    step.open()
    step.put_by_name({'password': word})
    step.submit()
    if not web.has('.notice.done') or 'Telephone' in web.text():
        raise Wrong('the passkey was not deleted: ' + web.text()[:700])
    web.log_out()
    web.open('/')
    press(web, 'form[action="/login/passkey"]')
    if inside(web) or not web.has('.notice.failure'):
        raise Wrong('a deleted passkey lets somebody in')
    sentence(step, web.driver.find_element('css selector', '.notice.failure').text, language)
    web.log_in('bob@example.test', word)
    web.log_out()


def postmaster(web, word, words, program, language):
    """What a postmaster sees and ends of another's."""
    for credential in web.driver.get_credentials():
        web.driver.remove_credential(credential.id)
    web.log_in('bob@example.test', word)
    make(web, word, 'Lost key', language)
    web.log_out()
    told = json.loads(command(program, 'account', 'passkey', 'list', 'bob', '--json'))
    if [one['label'] for one in told] != ['Lost key'] or told[0]['host'] != 'localhost':
        raise Wrong('the command tells %s' % told)
    web.log_in('postmaster@example.test', words)
    web.open('/accounts?search=bob')
    account = next(link for link in web.links() if link.startswith('/accounts/') and link.split('/')[-1].isdigit())
    web.open(account + '/security')
    web.look()
    if 'Lost key' not in web.text():
        raise Wrong('the postmaster does not see the passkey')
    web.submit('main form[action$="/remove"] button')
    web.submit('main form[action$="/remove"] button')
    if 'Lost key' in web.driver.find_element('css selector', 'main table').text or json.loads(
            command(program, 'account', 'passkey', 'list', 'bob', '--json')):
        raise Wrong('the passkey was not removed: ' + web.text()[:700])
    web.log_out()
    web.open('/')
    press(web, 'form[action="/login/passkey"]')
    if inside(web):
        raise Wrong('a removed passkey lets somebody in')
    web.log_in('bob@example.test', word)
    web.log_out()
    for credential in web.driver.get_credentials():
        web.driver.remove_credential(credential.id)


def nowhere(web, word, language):
    """At an address there are none; the page says what to open instead."""
    base, web.base = web.base, web.base.replace('localhost', '127.0.0.1')
    try:
        web.open('/?language=' + language)
        if web.has('form[data-passkey]'):
            raise Wrong('a passkey is offered at an address')
        web.log_in('bob@example.test', word)
        web.open('/own/passkeys')
        if web.has('main form[action="/own/passkeys"]') or 'https://' not in web.text():
            raise Wrong('the page does not say where passkeys are made')
        web.look()
        web.log_out()
    finally:
        web.base = base


def body(web, words, word, smtp, submission, *program):
    web.log_in('postmaster@example.test', words)
    web.wrap_up()
    web.log_out()
    device(web)
    for language in LANGUAGES:
        web.language(language)
        owner(web, word, language)
        delete(web, word, language)
        postmaster(web, word, words, program, language)
        nowhere(web, word, language)
    web.validate()


if __name__ == '__main__':
    office.play(body)
