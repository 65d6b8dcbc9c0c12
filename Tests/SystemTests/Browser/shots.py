"""Pictures of the main pages for docs/screenshots: 1000 pixels wide (one of a telephone, one in the dark), with few colours so that they are
small. Started by scripts/screenshots, which makes the instance that they show.
"""
import collections
import os
import struct
import zlib

import office

DESK, LONG, TELEPHONE = (1000, 760), (1000, 1240), (390, 780)
COLOURS = 256


def pixels(data):
    """Width, height and rows of (red, green, blue) of a PNG as Chromium writes it: 8 bits, RGB or RGBA, not interlaced."""
    place, idat, header = 8, b'', b''
    while place < len(data):
        length, kind = struct.unpack('>I4s', data[place:place + 8])
        if kind == b'IHDR':
            header = data[place + 8:place + 8 + length]
        if kind == b'IDAT':
            idat += data[place + 8:place + 8 + length]
        place += length + 12
    wide, high, _, colour = struct.unpack('>IIBB', header[:10])
    step = 4 if colour == 6 else 3
    raw, rows, last = zlib.decompress(idat), [], bytearray(wide * step)
    for y in range(high):
        start = y * (wide * step + 1)
        last = unfiltered(raw[start], bytearray(raw[start + 1:start + 1 + wide * step]), last, step)
        rows.append([bytes(last[x:x + 3]) for x in range(0, len(last), step)])
    return wide, high, rows


def unfiltered(kind, line, above, step):
    for i in range(len(line) if kind else 0):
        left = line[i - step] if i >= step else 0
        corner = above[i - step] if i >= step else 0
        guess = left + above[i] - corner
        paeth = min((abs(guess - left), 0, left), (abs(guess - above[i]), 1, above[i]), (abs(guess - corner), 2, corner))[2]
        line[i] = (line[i] + (0, left, above[i], (left + above[i]) // 2, paeth)[kind]) & 255
    return line


def chunk(kind, body):
    return struct.pack('>I', len(body)) + kind + body + struct.pack('>I', zlib.crc32(kind + body))


def small(data):
    """The same picture with the colours that are most in use; others become the nearest of these."""
    wide, high, rows = pixels(data)
    counts = collections.Counter(colour for row in rows for colour in row)
    palette = [colour for colour, _ in counts.most_common(COLOURS)]
    number = {colour: i for i, colour in enumerate(palette)}
    for colour in counts:
        if colour not in number:
            number[colour] = min(range(len(palette)), key=lambda i: sum((a - b) ** 2 for a, b in zip(palette[i], colour)))
    lines = b''.join(b'\0' + bytes(number[colour] for colour in row) for row in rows)
    head = struct.pack('>IIBBBBB', wide, high, 8, 3, 0, 0, 0)
    return (b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', head) + chunk(b'PLTE', b''.join(palette)) + chunk(b'IDAT', zlib.compress(lines, 9))
            + chunk(b'IEND', b''))


class Camera:
    def __init__(self, web, folder):
        self.web, self.folder = web, folder

    def take(self, name, path, size=DESK, dark=False, opens=None):
        web = self.web
        web.driver.execute_cdp_cmd('Emulation.setDeviceMetricsOverride', {
            'width': size[0], 'height': size[1], 'deviceScaleFactor': 1, 'mobile': size == TELEPHONE})
        web.dark(dark)
        if path:
            web.open(path)
        if opens:
            web.driver.execute_script('document.querySelector(arguments[0]).open = true', opens)
        web.driver.execute_script('document.activeElement.blur(); window.scrollTo(0, 0)')
        with open(os.path.join(self.folder, name + '.png'), 'wb') as file:
            file.write(small(web.driver.get_screenshot_as_png()))


def body(web, postmaster, word, folder, *_):
    camera = Camera(web, folder)
    web.language('ja')
    camera.take('login-ja', '/Authentication')
    web.language('en')
    web.log_in('postmaster@example.test', postmaster)
    web.wrap_up()
    web.language('en')
    camera.take('menu', '/menu')
    web.open('/accounts?search=yamada')
    account = next(link for link in web.links() if link.startswith('/accounts/') and link.split('/')[2].isdigit())
    web.language('ja')
    camera.take('account-ja', account)
    web.language('en')
    camera.take('configuration', '/configuration/mail-routing', opens='details.help')
    camera.take('queue', '/queue')
    camera.take('trail', '/trail?q=elsewhere.test')
    camera.take('dashboard-dark', '/dashboard', size=LONG, dark=True)
    web.log_out()
    web.language('ja')
    web.log_in('yamada@example.test', word)
    camera.take('own-telephone-ja', '/own/account', size=TELEPHONE)


office.play(body)
