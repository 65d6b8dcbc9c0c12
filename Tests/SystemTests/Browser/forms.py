"""Each form of fields (settings, accounts, their owners) filled in once wrong and once right, in both languages, whatever fields it has: they are found in the page.

Wrong: the problem stands at its field and in the list above, in the language of the page, and what was typed is kept. Right: the values are
there after another load, and `postoffice config` says so. Values are chosen by the kind of input; a field for which none of the candidates
fits gets a line in VALUES. Forms that have no fields of the table are in steps.py.
"""
import json
import re
import subprocess

import office
from office import Wrong

LANGUAGES = ('ja', 'en')
# What a person types who has misread a field, by kind of input; a control character where any text is good.
WRONG = {'numeric': 'twelve', 'email': 'no address', 'url': 'nowhere\u0007', 'tel': 'call me', 'short': 'plenty\u0007', 'other': 'not right\u0007'}
# Tried one after the other until one is taken.
CANDIDATES = [
    'Text & "quotes" <b>', 'fresh{n}@example.test', 'https://www.example.test/?a=1&b=2', '+81 3-1234-5678', 'host{n}.example.test', '192.0.2.{n}',
    '7', '7 min', '7 MiB', '70 MiB', 'fresh{n}', '7 d', '50',
]
# Fields for which no general value is good, by name; a table has a list of cells.
VALUES = {
    'mail-routing-table': ['one.test', '127.0.0.1', '29025'],
    'route-logins': ['127.0.0.1:29025', 'smart', 'clear'],
    'source-addresses': ['*', '127.0.0.1'],
    'smtp-channel-aliases': ['sales@example.test', 'bob@example.test'],
    'queue-release-users': ['bob@example.test', 'fetched.test'],
    'domain-quotas': ['example.test', '900 MiB'],
    'domain-seats': ['example.test', '900', ''],
    'filters': 'spam: if body /spam/ and size > 500 and not login then hold "spam"',
    'web-access': '127.0.0.0/8\n::1',
    'web-access-restrictions': '127.0.0.0/8\n::1',
    'picture': 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
    'retry-times': ['3 d'],
}

CONTROLS = '''
    const form = document.querySelector(arguments[0]);
    return [...form.elements].filter(e => e.name && e.type !== 'hidden' && e.type !== 'submit' && !e.disabled && !e.hidden).map(e => ({
        name: e.name, type: e.type, id: e.id, value: e.type === 'checkbox' ? e.checked : e.value, choice: e.value,
        short: e.classList.contains('short'), mode: e.inputMode, options: e.options ? [...e.options].map(o => o.value) : [],
        wrong: e.getAttribute('aria-invalid') === 'true',
        problem: (e.closest('.field')?.querySelector('.problem') || {}).textContent || '',
        title: (e.closest('.field')?.querySelector('.name') || {}).textContent || ''}));'''
PUT = '''
    const form = document.querySelector(arguments[0]);
    for (const [name, choice, value] of arguments[1]) {
        const all = [...form.elements].filter(e => e.name === name && e.type !== 'hidden' && (e.type !== 'checkbox' || e.value === choice));
        if (!all.length) throw new Error('no field ' + name);
        if (all[0].type === 'checkbox') all[0].checked = value; else all[0].value = value;
        all[0].dispatchEvent(new Event('input', {bubbles: true}));
    }'''


class Form:
    """A form of a page, by its selector."""

    def __init__(self, web, path, css='main form[data-warn]'):
        self.web, self.path, self.css = web, path, css

    def open(self):
        self.web.open(self.path)

    def controls(self):
        return self.web.driver.execute_script(CONTROLS, self.css)

    def put(self, values):
        self.web.driver.execute_script(PUT, self.css, [[name, choice, value] for (name, choice), value in values.items()])

    def submit(self):
        self.web.submit(self.css + ' button[type=submit]')

    def values(self):
        return {key(c): c['value'] for c in self.controls()}


def key(control):
    return (control['name'], control['choice'] if control['type'] == 'checkbox' else '')


def field(name):
    """The field of a control: tables have a row and a column behind its name, passwords a second input."""
    return name.split('.')[0]


def kind(control):
    if control['mode'] in WRONG:
        return control['mode']
    return 'short' if control['short'] else 'other'


def is_cell(control):
    return re.search(r'\.\d+\.', control['name']) is not None


def typed(control):
    return control['type'] in ('text', 'textarea', 'password', 'search')


def spare(controls, table):
    """Cells of the first row of a table that is empty."""
    rows = {}
    for c in controls:
        if is_cell(c) and field(c['name']) == table:
            rows.setdefault(int(c['name'].split('.')[1]), []).append(c)
    return next((cells for _, cells in sorted(rows.items()) if not any(c['value'] for c in cells)), [])


def tables(controls):
    return sorted({field(c['name']) for c in controls if is_cell(c)})


def fill_wrong(form):
    """Every field that can be wrong is wrong, all others are changed."""
    values, expected, controls = {}, set(), form.controls()
    for c in controls:
        if is_cell(c):
            continue
        if c['type'] == 'checkbox':
            values[key(c)] = not c['value']
        elif c['type'] == 'select-one':
            values[key(c)] = next((o for o in c['options'] if o and o != c['value']), c['value'])
        elif c['type'] == 'password':
            values[key(c)] = 'one' if c['name'].endswith('.again') else 'another'
            expected.add(field(c['name']))
        elif typed(c):
            values[key(c)] = WRONG[kind(c)]
            expected.add(field(c['name']))
    for table in tables(controls):
        for c in spare(controls, table)[:1]:
            values[key(c)] = WRONG['other']
            expected.add(table)
    return values, expected


def check_wrong(form, language):
    """Reset brings everything back; what is wrong is told at its place, and all that was typed is there still."""
    web = form.web
    form.open()
    before = form.values()
    values, expected = fill_wrong(form)
    form.put(values)
    web.driver.find_element('css selector', form.css + ' button[type=reset]').click()
    if form.values() != before:
        raise Wrong('%s: Reset does not bring back what was there' % form.path)
    if not expected:
        return  # Where all is chosen from what there is, nothing can be wrong.
    form.put(values)
    form.submit()
    controls = form.controls()
    told = {field(c['name']): c['problem'] for c in controls if c['wrong']}
    # A picture has its text beside the file.
    if not expected <= set(told):
        raise Wrong('%s (%s): no problem at %s' % (form.path, language, sorted(expected - set(told))))
    summary = web.text()
    for c in controls:
        name = field(c['name'])
        if name not in told:
            continue
        problem = told[name]
        sentence(form, problem, language)
        if c['title'] and c['title'].strip() + ':' not in summary:
            raise Wrong('%s (%s): %s does not stand in the list of problems' % (form.path, language, c['title']))
    now = form.values()
    for place, value in values.items():
        if place[0].split('.')[0] in told and any(c['type'] == 'password' and c['name'] == place[0] for c in controls):
            continue  # Passwords are never given back.
        # HTML has no control characters: something visible stands in their place.
        if now.get(place) != (value.replace('\u0007', '\ufffd') if isinstance(value, str) else value):
            raise Wrong('%s (%s): what was typed into %s is lost: %r, now %r' % (form.path, language, place, value, now.get(place)))
    focus = web.driver.execute_script('return document.activeElement.id')
    if focus != 'errors':
        raise Wrong('%s: the focus is at %r, not at the list of problems' % (form.path, focus))


def sentence(form, problem, language):
    """A problem is told in the language of the page."""
    japanese = any('\u3040' <= letter <= '\u30ff' or '\u4e00' <= letter <= '\u9fff' for letter in problem)
    if len(problem) < 10 or japanese != (language == 'ja'):
        raise Wrong('%s (%s): no sentence of the language: %r' % (form.path, language, problem))


def counted_up(text):
    """The same with its first number one higher."""
    return re.sub(r'\d+', lambda m: str(int(m.group()) + 1), text, count=1)


class Filler:
    """Finds a good value for each field, and remembers it for the other language."""

    def __init__(self):
        self.good = {}
        self.count = 0

    def candidates(self, c):
        now = c['value']
        fixed = VALUES.get(c['name'])
        if fixed is not None:
            return [fixed]
        found = []
        if c['type'] == 'textarea' and now.strip():
            found += [now.rstrip('\n') + '\n' + text for text in CANDIDATES]
        elif re.search(r'\d', now):
            found.append(counted_up(now))
        if c['name'] in self.good:
            found.insert(0, self.good[c['name']])
        return found + CANDIDATES

    def fill(self, form):
        """Fills the form with new values and submits it until all of them are taken. What was put into it, by field."""
        controls = form.controls()
        fixed, tried = {}, {}
        for c in controls:
            if c['type'] == 'checkbox':
                fixed[key(c)] = not c['value']
            elif c['type'] == 'select-one':
                fixed[key(c)] = next((o for o in c['options'] if o and o != c['value']), c['value'])
            elif c['type'] == 'password':
                fixed[key(c)] = 'a new and better word'
            elif c['type'] == 'date':
                fixed[key(c)] = '2037-03-31'
            elif typed(c) and not is_cell(c):
                tried[c['name']] = self.candidates(c)
        for table in tables(controls):
            if table not in VALUES:
                raise Wrong('%s: say in forms.py what the table %s may hold' % (form.path, table))
            for c, cell in zip(spare(controls, table), VALUES[table]):
                fixed[key(c)] = cell
        place = {name: 0 for name in tried}
        # No list is longer.
        for _ in range(2 * len(CANDIDATES) + 2):
            self.count += 1
            values = dict(fixed)
            for name, list_ in tried.items():
                values[(name, '')] = list_[place[name]].replace('{n}', str(self.count % 200))
            form.put(values)
            form.submit()
            wrong = {field(c['name']): c['problem'] for c in form.controls() if c['wrong']}
            if not wrong:
                break
            for name, problem in wrong.items():
                if name not in tried or place[name] + 1 >= len(tried[name]):
                    raise Wrong('%s: no value is good for %s: %s' % (form.path, name, problem))
                place[name] += 1
        for name in tried:
            self.good[name] = tried[name][place[name]] if place[name] else self.good.get(name, tried[name][0])
        if form.web.has('.notice.failure') or not form.web.has('.notice.done'):
            raise Wrong('%s: not taken: %s' % (form.path, form.web.text()[:700]))
        return values


def command(program, *arguments):
    """What a command of the product says; `program` is its path and the start file."""
    out = subprocess.run([program[0], *arguments, '--config', program[1]], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)
    if out.returncode:
        raise Wrong('%s: %s' % (arguments, out.stdout.decode()))
    return out.stdout.decode()


def settings(program):
    return json.loads(command(program, 'config', 'get', '--json'))


def normal(text):
    """Lists come back in an order and spelling of their own."""
    return sorted(re.sub(r'\s+', '', line).lower() for line in text.split('\n') if line.strip()) if isinstance(text, str) else text


def check_right(form, filler, language, program=None):
    """Good values hold after another load, and for settings the command says so too. The names of what changed."""
    form.open()
    before, first = program and settings(program), form.values()
    put = filler.fill(form)
    form.open()
    after, now = program and settings(program), form.values()
    for place, value in put.items():
        if is_cell({'name': place[0]}):
            if value and value not in now.values():
                raise Wrong('%s (%s): the cell %s is not %r after loading again' % (form.path, language, place, value))
        elif place in PASSWORDS:
            continue
        elif normal(now.get(place)) != normal(value):
            raise Wrong('%s (%s): %s was %r and is %r after loading again' % (form.path, language, place, value, now.get(place)))
    changed = {field(name) for (name, choice), value in put.items() if is_cell({'name': name}) and value or first.get((name, choice)) != value}
    silent = sorted(name for name in changed if program and before.get(name) == after.get(name))
    if silent:
        raise Wrong('%s (%s): `postoffice config` still says what it said of %s' % (form.path, language, silent))
    return changed


PASSWORDS = {('password', ''), ('password.again', '')}


def configuration_forms(web):
    web.open('/configuration')
    found = sorted({link for link in web.links() if re.fullmatch(r'/configuration/[a-z0-9-]+', link)})
    # The one for a whole file has no fields: steps.py has it.
    return [path for path in found if path != '/configuration/file' and open_form(web, path)]


def open_form(web, path):
    web.open(path)
    return web.has('main form[data-warn]')


def newest(program):
    """The revision that holds."""
    return re.search(r'\d+', command(program, 'config', 'history')).group()


def configuration(web, filler, program, language):
    fields, forms = set(), configuration_forms(web)
    for path in forms:
        form = Form(web, path)
        check_wrong(form, language)
        start = newest(program)
        fields |= check_right(form, filler, language, program)
        command(program, 'config', 'rollback', start)
    if len(forms) < 15 or len(fields) < 150:
        raise Wrong('%d forms with %d fields only were found' % (len(forms), len(fields)))


def accounts(web, filler, program, language):
    """An account is added, changed and becomes the model of new ones."""
    new = Form(web, '/accounts/new')
    check_wrong(new, language)
    new.open()
    put = filler.fill(new)
    address = put[('addresses', '')].split()[0]
    if address not in command(program, 'account', 'show', address):
        raise Wrong('the account %s is not there' % address)
    if new.values()[('real-name', '')]:
        raise Wrong('the form for a new account does not come back empty')
    link = next(l for l in web.links() if re.fullmatch(r'/accounts/\d+', l))
    account = Form(web, link)
    check_wrong(account, language)
    check_right(account, filler, language)
    command(program, 'account', 'delete', primary_address(web, link), '--yes')
    model = Form(web, '/accounts/default')
    check_wrong(model, language)
    model.open()
    before = model.values()
    check_right(model, filler, language)
    model.put(before)
    model.submit()


def primary_address(web, link):
    web.open(link)
    return web.driver.find_element('css selector', 'main strong').text


def own(web, filler, language):
    for path in ('/own/account', '/own/directory'):
        form = Form(web, path)
        check_wrong(form, language)
        form.open()
        before = form.values()
        check_right(form, filler, language)
        form.put(before)
        form.submit()


def body(web, postmaster, word, smtp, submission, *program):
    filler = Filler()
    for language in LANGUAGES:
        web.language(language)
        web.log_in('postmaster@example.test', postmaster)
        web.wrap_up()
        configuration(web, filler, program, language)
        accounts(web, filler, program, language)
        web.log_out()
        web.log_in('bob@example.test', word)
        own(web, filler, language)
        web.log_out()


if __name__ == '__main__':
    office.play(body)
