#!/usr/bin/env python3
"""What an instance of an earlier version holds, as its clients see it.

    instance.py fill DIR PROGRAM    puts people, mail, settings and waiting mail into a new quick instance that is being served
    instance.py tell DIR PROGRAM    prints what is there as JSON: twice the same as long as nothing changes
    instance.py same DIR PROGRAM FILE   says where it is not what FILE tells, and "the same" where it is

`scripts/make-upgrade-fixture` fills an instance with the binary of a release; UpgradeTests let every later build tell of it.
"""
import email.utils
import hashlib
import imaplib
import json
import poplib
import re
import smtplib
import subprocess
import sys

# What the library does not know.
imaplib.Commands.update({'SETMETADATA': ('AUTH', 'SELECTED'), 'GETMETADATA': ('AUTH', 'SELECTED')})

WORD = 'correct horse 7'
PEOPLE = ['taro', 'hanako']


def settings(folder):
    return dict(line.strip().split('=', 1) for line in open(folder + '/instance.env') if '=' in line)


class Instance:
    def __init__(self, folder, program):
        self.folder, self.program, self.settings = folder, program, settings(folder)

    def command(self, *words, given=None):
        out = subprocess.run(
            [self.program, *words, '--config', self.folder + '/post.office.conf', '--lang', 'en'], input=given, capture_output=True, text=True,
            timeout=120)
        if out.returncode != 0:
            sys.exit('%s: %s%s' % (' '.join(words), out.stdout, out.stderr))
        return out.stdout

    def imap(self, name):
        client = imaplib.IMAP4('127.0.0.1', int(self.settings['IMAP_PORT']), timeout=60)
        client.login(name, WORD)
        return client


def must(answer):
    if answer[0] != 'OK':
        sys.exit('%r' % (answer,))
    return answer[1]


# Filling

def message(number, subject, body, more=()):
    lines = ['From: Taro <taro@example.test>', 'To: hanako@example.test', 'Subject: ' + subject, 'Date: Mon, 23 Nov 2026 10:%02d:00 +0900' % number,
             'Message-ID: <%d@example.test>' % number, *more, 'MIME-Version: 1.0', 'Content-Type: text/plain; charset=utf-8', '', body, '']
    return '\r\n'.join(lines).encode()


def fill(instance):
    for name in PEOPLE:
        instance.command('account', 'add', name + '@example.test', '--name', name.capitalize(), '--password-stdin', given=WORD + '\n')
    instance.command('account', 'add', 'clerk@example.test', '--name', 'Clerk', '--set', 'type=administrative', '--password-stdin', given=WORD + '\n')
    for field, value in [('quota', '20 MiB'), ('addresses', 'hanako@example.test,info@example.test'), ('auto-reply', 'vacation'),
                         ('auto-reply-text', '夏休み中です。\nBack soon.'), ('language', 'ja')]:
        instance.command('account', 'set', 'hanako@example.test', '%s=%s' % (field, value))
    for field, value in [('greeting-text-japanese', '例の学校のメールへようこそ。'), ('message-size-limit', '20 MiB'), ('finger-host-text', 'An example school'), ('mail-routing-table', '[remote.test:hold]')]:
        instance.command('config', 'set', field, value)
    mail(instance)
    folders(instance)


def mail(instance):
    with smtplib.SMTP('127.0.0.1', int(instance.settings['SMTP_PORT']), timeout=60) as client:
        for number in range(5):
            client.sendmail('stranger@remote.test', ['taro@example.test', 'hanako@example.test'], message(number, 'received %d' % number, 'text 本文 %d' % number))
        client.sendmail('stranger@remote.test', ['taro@example.test'], message(40, 'large', 'line of a large message\r\n' * 20000))
    with smtplib.SMTP('127.0.0.1', int(instance.settings['SUBMISSION_PORT']), timeout=60) as client:
        client.starttls()
        client.login('taro', WORD)
        for number in range(3):
            client.sendmail('taro@example.test', ['friend%d@remote.test' % number], message(50 + number, 'waits', 'for the other host'))


def folders(instance):
    client = instance.imap('taro')
    for name in ['Work', 'Work/Deep', '&ZeVnLIqe-']:
        must(client.create(name))
        must(client.subscribe(name))
    for number in range(20):
        more = ['References: <10@example.test>'] if number % 3 else []
        must(client.append('Work', r'(\Seen $Label%d)' % (number % 3) if number % 2 else None, imaplib.Time2Internaldate(1790000000 + number), message(10 + number, 'added %d' % number, 'body of %d' % number, more)))
    must(client.select('Work'))
    must(client.store('2:4', '+FLAGS', r'(\Flagged)'))
    must(client.copy('1:5', '&ZeVnLIqe-'))
    must(client.store('6:8', '+FLAGS', r'(\Deleted)'))
    must(client.expunge())
    must(client.setacl('Work', 'hanako@example.test', 'lrs'))
    must(client._simple_command('SETMETADATA', 'Work', '(/private/comment "a note of mine")'))
    client.logout()


# Telling

def tell(instance):
    out = {'people': {name: tell_mail(instance, name) for name in PEOPLE}}
    out['accounts'] = rows(instance.command('account', 'export'))
    out['settings'] = instance.command('config', 'export').splitlines()
    out['queue'] = sorted(re.findall(r'friend\d@remote\.test', instance.command('queue', 'list')))
    out['history'] = len(instance.command('config', 'history').splitlines())
    return out


def rows(table):
    import csv
    import io
    lines = list(csv.DictReader(io.StringIO(table)))
    return sorted(({key: value for key, value in line.items() if value} for line in lines), key=lambda line: json.dumps(line, sort_keys=True))


def tell_mail(instance, name):
    client = instance.imap(name)
    out = {'subscribed': sorted(line.decode() for line in must(client.lsub())), 'mailboxes': {}}
    for line in must(client.list()):
        box = re.search(rb'"/" (.*)$', line).group(1).decode().strip('"')
        out['mailboxes'][box] = tell_box(client, box) if b'Noselect' not in line else None
    client.logout()
    pop = poplib.POP3('127.0.0.1', int(instance.settings['POP3_PORT']), timeout=60)
    pop.user(name)
    pop.pass_(WORD)
    out['pop3'] = [line.decode() for line in pop.uidl()[1]]
    pop.quit()
    return out


def tell_box(client, box):
    quoted = '"%s"' % box
    told = {'status': must(client.status(quoted, '(MESSAGES UIDNEXT UIDVALIDITY UNSEEN HIGHESTMODSEQ MAILBOXID)'))[0].decode()}
    told['rights'] = [line.decode() for line in must(client.myrights(quoted))]
    if 'a' in told['rights'][0].split()[-1]:
        told['acl'] = [line.decode() for line in must(client.getacl(quoted))]
        must(client._simple_command('GETMETADATA', quoted, '(/private/comment)'))
        told['notes'] = repr(client.untagged_responses.pop('METADATA', None))
    must(client.select(quoted, readonly=True))
    told['messages'] = []
    found = must(client.fetch('1:*', '(UID FLAGS INTERNALDATE RFC822.SIZE MODSEQ EMAILID THREADID ENVELOPE BODYSTRUCTURE)')) if client.untagged_responses.get('EXISTS', [b'0'])[-1] != b'0' else []
    told['messages'] = [part.decode() if isinstance(part, bytes) else repr(part) for part in found if part]
    told['text'] = []
    for part in (must(client.fetch('1:*', '(BODY.PEEK[])')) if found else []):
        if isinstance(part, tuple):
            told['text'].append(hashlib.sha256(part[1]).hexdigest())
    told['searched'] = [must(client.search(None, *words))[0].decode() for words in (('SUBJECT', 'added'), ('BODY', '"body of 1"'), ('KEYWORD', '$Label1'))]
    client.unselect()
    return told


def differences(old, new, path=''):
    """What the old one tells and the new one does not: later versions may tell more."""
    if path == '.settings':
        return ['%s: %s' % (path, line) for line in old if not line.startswith('#') and line not in new]
    if isinstance(old, dict) and isinstance(new, dict):
        return [line for key in old for line in differences(old[key], new.get(key), path + '.' + key)]
    if isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        return [line for at, (a, b) in enumerate(zip(old, new)) for line in differences(a, b, '%s[%d]' % (path, at))]
    return [] if old == new else ['%s: %r is %r now' % (path, old, new)]


def main():
    what, folder, program = sys.argv[1:4]
    instance = Instance(folder, program)
    if what == 'fill':
        fill(instance)
        return
    if what == 'same':
        found = differences(json.load(open(sys.argv[4])), tell(instance))
        print('\n'.join(found) or 'the same')
        return
    json.dump(tell(instance), sys.stdout, indent=1, sort_keys=True, ensure_ascii=False)
    print()


main()
