"""Forms that are no settings, and what takes several steps, each wrong and right in both languages: login, second factor, rising, own password,
app passwords, keys, certificates, bulk CSV, filters, broadcast, queue, deletion.
"""
import base64
import hmac
import re
import smtplib
import struct
import subprocess
import time

import forms
import office
from forms import Form, command, sentence
from office import Wrong

LANGUAGES = ('ja', 'en')


class Step(Form):
    """A form by the address that it is sent to."""

    def __init__(self, web, path, action, language):
        super().__init__(web, path, 'main form[action="%s"]' % action)
        self.language = language

    def put_by_name(self, values):
        """True and False tick and clear; a list ticks those of its boxes and clears the others."""
        put = {}
        for c in self.controls():
            if c['name'] not in values:
                continue
            value = values[c['name']]
            put[forms.key(c)] = c['choice'] in value if isinstance(value, list) else value
        missing = set(values) - {name for name, _ in put}
        if missing:
            raise Wrong('%s: there is no field %s' % (self.path, sorted(missing)))
        self.put(put)
        return put

    def wrong(self, values, place):
        """The problem stands at `place` alone, and what was typed is there still."""
        self.open()
        put = self.put_by_name(values)
        self.submit()
        controls = self.controls()
        told = {c['name']: c['problem'] for c in controls if c['wrong']}
        if set(told) != {place}:
            raise Wrong('%s (%s): %s for %s, not %s: %s' % (self.path, self.language, sorted(told), values, place, self.web.text()[:500]))
        sentence(self, told[place], self.language)
        for c in controls:
            if c['type'] not in ('password', 'file') and c['name'] != 'key' and forms.key(c) in put and c['value'] != put[forms.key(c)]:
                raise Wrong('%s (%s): what was typed into %s is lost: %r' % (self.path, self.language, c['name'], c['value']))
        if self.web.driver.execute_script('return document.activeElement.name') != place:
            raise Wrong('%s: the focus is not at the field that is wrong' % self.path)

    def right(self, values):
        self.open()
        self.put_by_name(values)
        self.submit()
        self.done()

    def done(self):
        wrong = [c['name'] for c in self.controls() if c['wrong']] if self.web.has(self.css) else []
        if wrong or not self.web.has('.notice.done') or self.web.has('.notice.failure'):
            raise Wrong('%s (%s): not done, wrong %s: %s' % (self.path, self.language, wrong, self.web.text()[:700]))


def totp(key, at):
    digest = hmac.new(base64.b32decode(key), struct.pack('>Q', int(at) // 30), 'sha1').digest()
    place = digest[-1] & 15
    return '%06d' % ((struct.unpack('>I', digest[place:place + 4])[0] & 0x7FFFFFFF) % 1000000)


def logins(web, word, language):
    for login, password in (('bob@example.test', 'no word of his'), ('nobody@example.test', word), ('', '')):
        web.log_in(login, password, fails=True)
        if not web.has('.notice.failure') or web.field('login').get_attribute('value') != login:
            raise Wrong('a wrong login as %r is not told, or forgets the name' % login)
        sentence(Form(web, 'login'), web.driver.find_element('css selector', '.notice.failure').text, language)
    web.log_in('bob@example.test', word)


def own_password(web, word, language):
    step = Step(web, '/own/password', '/own/password', language)
    step.wrong({'old': 'no word of his', 'new': 'a better word', 'again': 'a better word'}, 'old')
    step.wrong({'old': word, 'new': 'a better word', 'again': 'another word'}, 'again')
    step.wrong({'old': word, 'new': 'a', 'again': 'a'}, 'new')
    step.right({'old': word, 'new': 'a better word', 'again': 'a better word'})
    web.log_out()
    web.log_in('bob@example.test', word, fails=True)
    web.log_in('bob@example.test', 'a better word')
    step.right({'old': 'a better word', 'new': word, 'again': word})


def app_passwords(web, language):
    step = Step(web, '/own/app-passwords', '/own/app-passwords', language)
    step.wrong({'label': '', 'service': ['imap'], 'last-day': ''}, 'label')
    step.wrong({'label': 'Telephone <b>', 'service': [], 'last-day': ''}, 'service')
    step.wrong({'label': 'Telephone <b>', 'service': ['imap', 'pop3'], 'last-day': 'soon'}, 'last-day')
    name = 'Telephone <b> ' + language
    step.right({'label': name, 'service': ['imap', 'pop3'], 'last-day': '2037-03-31'})
    step.wrong({'label': name, 'service': ['imap'], 'last-day': ''}, 'label')
    step.open()
    if name not in web.text() or '2037-03-31' not in web.text():
        raise Wrong('the app password does not stand in the table')
    web.submit('main form[action$="/revoke"] button')
    if name in web.text():
        raise Wrong('the app password was not taken back')


def picture(web):
    """What the camera of a telephone reads off the page, also off a dark one."""
    file = web.scratch + '/code.png'
    web.driver.find_element('css selector', 'svg.qr').screenshot(file)
    return subprocess.run(['zbarimg', '--raw', '-q', file], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=60).stdout.decode().strip()


def shown_codes(web):
    recovery = web.driver.find_elements('css selector', '.notice.done li')
    codes = [item.text for item in recovery] or web.driver.find_element('css selector', '.notice.done').text.split('\n')[1:]
    if len(codes) != 10:
        raise Wrong('%d recovery codes: %s' % (len(codes), web.text()[:500]))
    return codes


def switch_on(step, word):
    """Leads to the recovery codes."""
    step.open()
    key = re.search(r'\b(?:[A-Z2-7]{4}\s?){8}\b', step.web.text()).group().replace(' ', '').replace('\n', '')
    read = picture(step.web)
    if not read.startswith('otpauth://totp/') or 'secret=%s&' % key not in read or read not in step.web.text():
        raise Wrong('the drawing says %r, the page %s' % (read, step.web.text()[:500]))
    step.put_by_name({'password': word, 'code': totp(key, time.time())})
    step.submit()
    if not step.web.has('.notice.done'):
        raise Wrong('the second factor is not on: ' + step.web.text()[:500])
    return shown_codes(step.web)


def second_factor(web, word, language):
    """Is on at the end: the postmaster switches it off then."""
    web.dark(language == 'en')
    step = Step(web, '/own/second-factor', '/own/second-factor', language)
    step.wrong({'password': 'no word of his', 'code': '123456'}, 'password')
    step.wrong({'password': word, 'code': '12345'}, 'code')
    first = switch_on(step, word)
    fresh = Step(web, '/own/second-factor', '/own/second-factor/recovery-codes', language)
    # Five wrong ones in ten minutes are too many, so that each language has one of them.
    if language == 'ja':
        fresh.wrong({'new-codes-password': word, 'code': 'no code'}, 'code')
    else:
        fresh.wrong({'new-codes-password': 'no word of his', 'code': first[1]}, 'new-codes-password')
    fresh.open()
    fresh.put_by_name({'new-codes-password': word, 'code': first[1]})
    fresh.submit()
    codes = shown_codes(web)
    if set(codes) & set(first):
        raise Wrong('a recovery code of before is there again')
    web.log_out()
    web.log_in('bob@example.test', word, fails=True)
    code = Step(web, 'code', '/login/code', language)
    code.put_by_name({'code': '000000'})
    code.submit()
    if not web.has('.notice.failure'):
        raise Wrong('a wrong code is not told')
    code.put_by_name({'code': codes[0]})
    code.submit()
    if not web.has('header form[action="/logout"]'):
        raise Wrong('a recovery code does not let its owner in: ' + web.text()[:500])
    off = Step(web, '/own/second-factor', '/own/second-factor/off', language)
    off.wrong({'password': 'no word of his'}, 'password')
    off.open()
    off.put_by_name({'password': word})
    off.submit()
    off.done()
    switch_on(step, word)


def security(web, program, language):
    """The postmaster undoes how somebody else logs in, the second factor after a second question."""
    name = 'lost <b> ' + language
    command(program, 'account', 'app-password', 'add', 'bob', '--label', name, '--services', 'imap')
    web.open('/accounts?search=bob')
    page = next(link for link in web.links() if re.fullmatch(r'/accounts/\d+', link)) + '/security'
    web.open(page)
    if '127.0.0.1' not in web.text() or name not in web.text():
        raise Wrong('logins and app passwords are not shown: ' + web.text()[:500])
    web.submit('main form[action$="/second-factor/off"] button')
    if web.has('.notice.done') or not web.has('main form [name=confirmed]'):
        raise Wrong('nobody is asked a second time: ' + web.text()[:500])
    # Thought better of it: nothing has happened.
    web.open(page)
    web.submit('main form[action$="/second-factor/off"] button')
    web.submit('main form[action$="/second-factor/off"] button')
    if not web.has('.notice.done') or web.has('main form[action$="/second-factor/off"]'):
        raise Wrong('the second factor is not off: ' + web.text()[:500])
    web.submit('main form[action$="/revoke"] button')
    if not web.has('.notice.done') or web.has('main form[action$="/revoke"]'):
        raise Wrong('the app password was not revoked: ' + web.text()[:500])
    if name in command(program, 'account', 'app-password', 'list', 'bob'):
        raise Wrong('the app password is there still')


def rise(web, postmaster, language):
    """Whoever the wrap-up form made a postmaster works as himself until he rises."""
    web.log_in('hanako@example.test', 'her own words')
    step = Step(web, '/rise', '/rise', language)
    step.open()
    step.put_by_name({'password': 'no such word'})
    step.submit()
    if not web.has('.notice.failure'):
        raise Wrong('a wrong word lets somebody rise')
    step.put_by_name({'password': postmaster})
    step.submit()
    if not web.path().startswith('/menu'):
        raise Wrong('rising leads to %s' % web.path())


def keys(web, language):
    step = Step(web, '/tokens', '/tokens', language)
    step.wrong({'label': '', 'scope': ['read']}, 'label')
    step.wrong({'label': 'Monitor <i>', 'scope': [], 'until': '2037-03-31'}, 'scope')
    step.right({'label': 'Monitor <i>', 'scope': ['read', 'queue'], 'until': '2037-03-31'})
    if not web.driver.find_element('id', 'made').text:
        raise Wrong('the new key is not shown')
    step.wrong({'label': 'Monitor <i>', 'scope': ['read']}, 'label')
    web.submit('main form[action$="/delete"] button')
    if 'Monitor' in web.text():
        raise Wrong('the key was not deleted')


def configuration_file(web, program, language):
    """Out, and back in two steps."""
    step = Step(web, '/configuration/file', '/configuration/file', language)
    step.wrong({'text': ''}, 'text')
    step.wrong({'text': 'log-days: many\nno-such-thing: 1\n'}, 'text')
    days = forms.settings(program)['log-days']
    text = re.sub(r'(?m)^log-days:.*$', '', command(program, 'config', 'export')) + '\nlog-days: %d\n' % (days + 1)
    step.open()
    step.put_by_name({'text': text})
    step.submit()
    if '+ log-days: %d' % (days + 1) not in web.text() or forms.settings(program)['log-days'] != days:
        raise Wrong('what would change is not shown, or is changed already: ' + web.text()[:500])
    web.submit('main form[action="/configuration/file"] button')
    if not web.has('.notice.done') or forms.settings(program)['log-days'] != days + 1:
        raise Wrong('the file was not applied: ' + web.text()[:500])


def certificates(web, language):
    made = Step(web, '/configuration/ssl', '/configuration/ssl/self-signed', language)
    made.wrong({'names': 'no name!!'}, 'names')
    made.right({'names': 'mail.example.test\nlocalhost'})
    asked = Step(web, '/configuration/ssl', '/configuration/ssl/request', language)
    asked.wrong({'request-names': 'no name!!', 'organization': 'Example & Co.'}, 'request-names')
    asked.open()
    asked.put_by_name({'request-names': 'mail.example.test', 'organization': 'Example & Co.'})
    asked.submit()
    if 'BEGIN CERTIFICATE REQUEST' not in web.driver.find_element('id', 'csr').text:
        raise Wrong('there is no request')
    folder = web.scratch
    subprocess.run(
        ['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '30', '-subj',
         '/CN=mail.example.test', '-addext', 'subjectAltName=DNS:mail.example.test,DNS:localhost', '-keyout', folder + '/key.pem', '-out',
         folder + '/chain.pem'], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=60)
    chain, key = open(folder + '/chain.pem').read(), open(folder + '/key.pem').read()
    put_in = Step(web, '/configuration/ssl', '/configuration/ssl/install', language)
    put_in.wrong({'chain': 'not a certificate', 'key': key}, 'chain')
    put_in.wrong({'chain': chain, 'key': 'not a key'}, 'key')
    put_in.right({'chain': chain, 'key': key})
    if 'PRIVATE KEY' in web.driver.page_source:
        raise Wrong('the page gives back the key')


def many(web, program, language):
    step = Step(web, '/accounts/import', '/accounts/import', language)
    step.wrong({'text': ''}, 'text')
    step.wrong({'text': 'address,name,password\nno address,Jane,a good password\n', 'dry-run': True}, 'text')
    step.right({'text': 'address,name,password\njane-%s@example.test,Jane <b>,a good password\n' % language})
    if 'Jane' not in command(program, 'account', 'show', 'jane-%s@example.test' % language):
        raise Wrong('the imported account is not there')
    # And goes again, after a second question that says what is lost.
    web.open('/accounts?search=jane-%s' % language)
    web.open(next(link for link in web.links() if re.fullmatch(r'/accounts/\d+', link)) + '/delete')
    web.submit('main form[action$="/delete"] button')
    if not web.has('.notice.done'):
        raise Wrong('the account was not deleted: ' + web.text()[:500])


def filters(web, language):
    step = Step(web, '/configuration/filters/try', '/configuration/filters/try', language)
    rule = 'x: if subject /offer/ then drop'
    step.wrong({'from': 'a@b.test', 'to': 'bob@example.test', 'message': '', 'rules': rule}, 'message')
    step.wrong({'message': 'Subject: an offer\n\nx\n', 'rules': 'no rule'}, 'rules')
    step.right({'message': 'Subject: an offer\n\nx\n', 'rules': rule})


def broadcast(web, language):
    step = Step(web, '/broadcast', '/broadcast', language)
    step.wrong({'domain': '', 'subject': '', 'text': 'x'}, 'subject')
    step.wrong({'domain': '', 'subject': 'Maintenance', 'text': ''}, 'text')
    step.wrong({'domain': 'nowhere.test', 'subject': 'Maintenance', 'text': 'x'}, 'domain')
    step.open()
    step.put_by_name({'domain': 'example.test', 'subject': 'Maintenance <b>', 'text': 'At noon. <script>'})
    step.submit()
    web.submit('main form[action="/broadcast"] button')
    step.done()


def next_hop(web, program, language):
    """The password of a smarthost is asked for once there is a login."""
    command(program, 'config', 'set', 'mail-routing-table', '[smart.test:127.0.0.1:29025]')
    command(program, 'config', 'set', 'route-logins', '[127.0.0.1:29025 smart clear]')
    step = Step(web, '/configuration/mail-routing', '/configuration/mail-routing/password', language)
    step.wrong({'password': ''}, 'password')
    step.right({'password': 'a word for them'})
    command(program, 'config', 'set', 'route-logins', '')


def queue(web, word, submission, language):
    with smtplib.SMTP('127.0.0.1', int(submission)) as mail:
        mail.login('bob', word)
        for number in range(2):
            mail.sendmail('bob@example.test', ['x%d@elsewhere.test' % number], 'From: bob@example.test\r\nSubject: waits\r\n\r\nx\r\n')
    for _ in range(100):
        web.open('/queue?recipient=elsewhere.test')
        entries = [link for link in web.links() if re.fullmatch(r'/queue/\d+', link)]
        if len(entries) >= 2:
            break
        time.sleep(0.1)
    else:
        raise Wrong('the messages do not come into the queue')
    entry = sorted(set(entries))[-1]
    step = Step(web, entry, entry, language)
    step.css = 'main form[action="%s"]:has([name=to])' % entry
    step.wrong({'to': ''}, 'to')
    step.wrong({'to': 'no address'}, 'to')
    for action in ('release', 'hold', 'retry'):
        web.open(entry)
        if web.has('main button[value=%s]' % action):
            web.submit('main button[value=%s]' % action)
            if web.has('.notice.failure'):
                raise Wrong('%s of a queue entry: %s' % (action, web.text()[:500]))
    step.open()
    step.put_by_name({'to': 'alice@example.test'})
    step.submit()
    if web.has('.notice.failure') or not web.has('.notice.done'):
        raise Wrong('an entry does not go elsewhere: ' + web.text()[:500])
    # All that is left of them, asked for once more.
    web.open('/queue?recipient=elsewhere.test')
    web.submit('main form[action="/queue/all"] button[value=delete]')
    web.submit('main form[action="/queue/all"] button')
    if not web.has('.notice.done'):
        raise Wrong('the queue was not emptied: ' + web.text()[:500])


def history(web, program, language):
    """Back to what was before, after a second question."""
    before = forms.settings(program)
    command(program, 'config', 'set', 'greeting-mail', 'no' if before['greeting-mail'] else 'yes')
    web.open('/configuration/history')
    pages = sorted({link for link in web.links() if re.fullmatch(r'/configuration/history/\d+', link)}, key=lambda l: int(l.split('/')[-1]))
    web.open(pages[-2])
    web.submit('main form[action^="/configuration/history/"] button')
    if not web.has('.notice.done') or forms.settings(program)['greeting-mail'] != before['greeting-mail']:
        raise Wrong('the settings of before do not come back: ' + web.text()[:500])


def body(web, postmaster, word, smtp, submission, *program):
    web.log_in('postmaster@example.test', postmaster)
    web.wrap_up()
    web.log_out()
    for language in LANGUAGES:
        web.language(language)
        logins(web, word, language)
        own_password(web, word, language)
        app_passwords(web, language)
        second_factor(web, word, language)
        web.log_out()
        rise(web, postmaster, language)
        security(web, program, language)
        keys(web, language)
        many(web, program, language)
        filters(web, language)
        broadcast(web, language)
        next_hop(web, program, language)
        queue(web, word, submission, language)
        history(web, program, language)
        configuration_file(web, program, language)
        certificates(web, language)
        web.log_out()


if __name__ == '__main__':
    office.play(body)
