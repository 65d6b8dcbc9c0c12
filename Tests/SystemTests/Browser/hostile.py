"""Text that would be a script if it were not encoded, in every place where somebody from outside can put text, and then every page."""
import smtplib

import office
from office import Wrong

TRAPS = [
    '<script>window.pwned=1</script>', '"><img src=x onerror=window.pwned=1>', "'-window.pwned++-'", 'javascript:window.pwned=1',
    '</title></textarea></style><svg onload=window.pwned=1>', '{{7*7}}${7*7}', '\u202e<b>reversed', '<!--', ']]><x>', '&lt;i&gt;',
]


def send(port, trap, number):
    """A message with the trap in every header, and in its name of the host, sender and recipient as far as SMTP takes it."""
    text = trap.encode('ascii', 'xmlcharrefreplace').decode()
    with smtplib.SMTP('127.0.0.1', port) as mail:
        # What is refused is logged, and the log is a page.
        for line in ('EHLO %s' % text, 'MAIL FROM:<"%s"@remote.test>' % text.replace('"', ''), 'RCPT TO:<%s@example.test>' % text):
            mail.docmd(line)
        mail.docmd('RSET')
        mail.ehlo('host%d.test' % number)
        headers = ['From', 'To', 'Cc', 'Subject', 'Message-ID', 'Date', 'X-Mailer', 'Reply-To', 'Received', 'List-Id', 'Content-Type']
        head = ''.join('%s: %s\r\n' % (name, text) for name in headers)
        mail.sendmail('trap%d@remote.test' % number, ['bob@example.test'], (head + '\r\n' + text + '\r\n').encode())


def plant(web):
    """The traps in all that an owner may write about himself; what is refused must come back as text."""
    for page in ('/own/account', '/own/directory'):
        for trap in TRAPS:
            web.open(page)
            for box in web.driver.find_elements('css selector', 'main input[type=text], main textarea'):
                if box.is_enabled() and not box.get_attribute('readonly'):
                    web.driver.execute_script('arguments[0].value = arguments[1]', box, trap)
            web.submit()
            if web.driver.execute_script('return window.pwned !== undefined'):
                raise Wrong('%s ran what its owner wrote: %s' % (page, trap))


def body(web, postmaster, word, smtp, submission, *_):
    for number, trap in enumerate(TRAPS):
        send(int(smtp), trap, number)
    # Waits in the queue with the trap as its subject, sender's name and reason.
    with smtplib.SMTP('127.0.0.1', int(submission)) as mail:
        mail.login('bob', word)
        for trap in TRAPS:
            text = trap.encode('ascii', 'xmlcharrefreplace').decode()
            mail.sendmail('bob@example.test', ['x@elsewhere.test'], 'From: bob@example.test\r\nSubject: %s\r\n\r\n%s\r\n' % (text, text))
    # Logins with such names.
    for trap in TRAPS[:3]:
        web.log_in(trap, trap, fails=True)
    web.language('en')
    web.log_in('bob@example.test', word)
    plant(web)
    web.log_out()
    web.log_in('postmaster@example.test', postmaster)
    web.wrap_up()
    seen, waiting, found = set(), ['/menu'] + [link for link in web.links()], 0
    while waiting:
        path = waiting.pop(0).split('#')[0]
        if path in seen or any(path.startswith(s) for s in web.ends) or len(seen) > 300:
            continue
        seen.add(path)
        web.open(path)
        if web.driver.execute_script('return window.pwned !== undefined'):
            raise Wrong('%s ran what a stranger wrote' % path)
        if web.driver.execute_script('return document.querySelectorAll("svg[onload], img[src=x], [onerror]").length'):
            raise Wrong('%s has an element that a stranger wrote' % path)
        found += web.driver.page_source.count('pwned')
        waiting += web.links()
    if not found:
        raise Wrong('no page showed any of it: %d were seen' % len(seen))


office.play(body)
