import MailTesting
import Testing

/// The two IMAP libraries of Python, which most scripts use.
@Suite(.serialized) struct IMAPPythonTests {
    private static let imaplib = #"""
        import imaplib, ssl, sys
        port, ports, ca, word = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4]
        context = ssl.create_default_context(cafile=ca) if ca else None
        def clear(): return imaplib.IMAP4('localhost', port)
        def starttls():
            m = imaplib.IMAP4('localhost', port); m.starttls(context); return m
        def implicit(): return imaplib.IMAP4_SSL('localhost', ports, ssl_context=context)
        ways = (starttls, implicit) if ca else (clear,)
        def ok(answer):
            assert answer[0] == 'OK', answer
            return answer[1]
        letter = b'From: a@example.test\r\nTo: b@example.test\r\nSubject: =?utf-8?b?5pel5pys6Kqe44Gu5Lu25ZCN?=\r\nDate: Sun, 22 Nov 2026 10:00:00 +0900\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n\xe6\x9c\xac\xe6\x96\x87\xe3\x81\xa7\xe3\x81\x99\r\n'
        for number, connect in enumerate(ways):
            m = connect()
            try: m.login('bob', 'wrong'); assert False
            except imaplib.IMAP4.error as e: assert b'AUTHENTICATIONFAILED' in e.args[0], e
            m.authenticate('PLAIN', lambda _: b'\0bob\0' + word.encode())
            if number == 0:
                names = sorted(l.decode().split(' "/" ')[1] for l in ok(m.list()))
                assert names == ['Archive', 'Drafts', 'INBOX', 'Junk', 'Sent', 'Trash'], names
            ok(m.create('&ZeVnLA-'))
            assert ok(m.list('""', '&ZeVnLA-')) == [b'(\\HasNoChildren) "/" &ZeVnLA-'], m.list()
            ok(m.delete('&ZeVnLA-'))
            box = 'Py %d' % number
            q = '"%s"' % box
            ok(m.create(q)); ok(m.subscribe(q))
            assert any(box.encode() in l for l in ok(m.list())), m.list()
            assert any(box.encode() in l for l in ok(m.lsub()))
            ok(m.append(q, '(\\Flagged $Forwarded)', '"17-Jul-1996 02:44:25 -0700"', letter))
            assert b'MESSAGES 1' in ok(m.status(q, '(MESSAGES UIDNEXT UIDVALIDITY UNSEEN)'))[0]
            assert ok(m.select(q)) == [b'1']
            found = ok(m.fetch('1', '(UID FLAGS INTERNALDATE RFC822.SIZE BODYSTRUCTURE ENVELOPE BODY[])'))
            assert found[0][1] == letter, found
            text = found[0][0]
            assert b'RFC822.SIZE %d' % len(letter) in text and b'\\Flagged' in text and b'$Forwarded' in text, text
            assert b'17-Jul-1996' in text, text
            assert b'\\Seen' in ok(m.fetch('1', '(FLAGS)'))[0]
            for part in ('RFC822', 'RFC822.HEADER', 'RFC822.TEXT', 'BODY.PEEK[HEADER.FIELDS (SUBJECT)]', 'BODY.PEEK[1]', 'BODY.PEEK[TEXT]<2.5>'):
                ok(m.fetch('1', '(%s)' % part))
            m.literal = '件名'.encode()
            assert ok(m.search('UTF-8', 'SUBJECT')) == [b'1']
            m.literal = '本文'.encode()
            assert ok(m.search('UTF-8', 'BODY')) == [b'1']
            m.literal = 'ない'.encode()
            assert ok(m.search('UTF-8', 'TEXT')) in ([b''], [None])
            assert ok(m.search(None, 'BEFORE', '1-Jan-2000', 'LARGER', '10', 'NOT', 'DELETED')) == [b'1']
            ok(m.sort('(REVERSE DATE)', 'UTF-8', 'ALL')); ok(m.thread('REFERENCES', 'UTF-8', 'ALL'))
            ok(m.store('1', '+FLAGS', '(\\Answered)')); ok(m.copy('1', q)); ok(m.noop())
            assert m.response('EXISTS')[1][-1] == b'2'
            uid = ok(m.fetch('2', '(UID)'))[0].split()[-1].rstrip(b')').decode()
            ok(m.uid('STORE', uid, '+FLAGS.SILENT', '(\\Deleted)'))
            assert ok(m.expunge()) == [b'2']
            ok(m.check()); ok(m.namespace()); ok(m.getquotaroot('INBOX')) if 'QUOTA' in m.capabilities else None
            ok(m.rename(q, '"Moved %d/in/side"' % number))
            ok(m.append('INBOX', None, None, letter)); ok(m.unselect()); ok(m.select('INBOX', readonly=True))
            assert m.store('1', '+FLAGS', '(\\Seen)')[0] == 'NO'
            ok(m.close()); ok(m.unsubscribe(q))
            ok(m.delete('"Moved %d/in/side"' % number))
            assert m.delete('"None"')[0] == 'NO' and m.select('"None"')[0] == 'NO'
            assert m.logout()[0] == 'BYE'
        print('all well')
        """#

    private static let imapclient = #"""
        import imapclient, ssl, sys, threading, time
        from imapclient import IMAPClient
        port, ca, word, user = int(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4]
        def connect():
            if ca:
                c = IMAPClient('localhost', port, ssl_context=ssl.create_default_context(cafile=ca))
            else:
                c = IMAPClient('localhost', port, ssl=False)
            c.login(user, word); return c
        c = connect()
        if c.has_capability('ID'): c.id_({'name': 'test'})
        if c.has_capability('ENABLE'): c.enable('CONDSTORE')
        sep = c.namespace()[0][0][1]
        box = sep.join(['一', '二 & 三'])
        c.create_folder(box)
        assert any(f[2] == box for f in c.list_folders()), c.list_folders()
        c.subscribe_folder(box); assert any(f[2] == box for f in c.list_sub_folders())
        for n in range(20):
            c.append(box, b'Subject: number %d\r\nMessage-ID: <%d@x>\r\n%s\r\nbody %d\r\n' % (n, n, b'In-Reply-To: <%d@x>\r\n' % (n - 1) if n % 5 else b'', n), flags=[b'\\Seen'] if n % 2 else [])
        info = c.select_folder(box)
        assert info[b'EXISTS'] == 20, info
        seen = c.search(['SEEN']); assert len(seen) == 10
        got = c.fetch(seen, ['ENVELOPE', 'FLAGS', 'RFC822.SIZE', 'BODYSTRUCTURE', 'INTERNALDATE', 'MODSEQ'])
        assert all(got[u][b'ENVELOPE'].subject.startswith(b'number') for u in seen)
        c.add_flags(seen[:3], [b'$Label', b'\\Flagged']); assert len(c.search(['KEYWORD', '$Label'])) == 3
        c.remove_flags(seen[:1], [b'$Label']); assert len(c.search('KEYWORD $Label')) == 2
        assert len(c.search(['SUBJECT', 'number 7'])) == 1
        assert len(c.thread('REFERENCES')) == 4, c.thread('REFERENCES')
        assert len(c.sort('REVERSE SUBJECT')) == 20
        other = connect(); other.select_folder(box)
        other.idle()
        threading.Timer(0.3, lambda: c.append(box, b'Subject: news\r\n\r\n')).start()
        told = other.idle_check(timeout=20)
        assert any(t[1] == b'EXISTS' for t in told), told
        other.idle_done()
        if c.has_capability('MOVE'): c.move(seen[:2], 'INBOX'); other.noop()
        c.delete_messages(seen[2:4]); c.expunge(); other.noop()
        assert len(other.search()) == 17, len(other.search())
        status = c.folder_status(box, ['MESSAGES', 'UNSEEN', 'HIGHESTMODSEQ']); assert status[b'MESSAGES'] == 17, status
        c.copy(c.search()[:5], 'INBOX')
        if c.has_capability('QUOTA'): c.get_quota()
        c.unselect_folder(); c.unsubscribe_folder(box); c.delete_folder(box); c.delete_folder('一') if c.folder_exists('一') else None
        other.logout(); c.logout()
        print('all well')
        """#

    /// imaplib does not compress: a layer of zlib below it.
    private static let compressed = #"""
        import imaplib, ssl, sys, zlib
        context = ssl.create_default_context(cafile=sys.argv[2])
        count = int(sys.argv[4])
        def login():
            client = imaplib.IMAP4_SSL("localhost", int(sys.argv[1]), ssl_context=context)
            client.login("bob", sys.argv[3])
            return client
        def whole(client):
            client.select("INBOX")
            return client.fetch("1:*", "(BODY.PEEK[])")[1]
        plain = whole(login())
        c = login()
        assert c.xatom("COMPRESS", "DEFLATE")[0] == "OK"
        pack, unpack = zlib.compressobj(9, zlib.DEFLATED, -15), zlib.decompressobj(-15)
        class File:
            def __init__(self, sock): self.sock, self.buffer = sock, b""
            def fill(self):
                data = self.sock.recv(65536)
                assert data, "closed"
                self.buffer += unpack.decompress(data)
            def readline(self, limit=-1):
                while b"\n" not in self.buffer: self.fill()
                line, self.buffer = self.buffer.split(b"\n", 1)
                return line + b"\n"
            def read(self, size):
                while len(self.buffer) < size: self.fill()
                data, self.buffer = self.buffer[:size], self.buffer[size:]
                return data
            def close(self): pass
        file = File(c.sock)
        c.file = c._file = file
        c.readline, c.read = file.readline, file.read
        c.send = lambda data: c.sock.sendall(pack.compress(data) + pack.flush(zlib.Z_SYNC_FLUSH))
        assert whole(c) == plain and len(plain) == 2 * count, (len(plain), count)
        assert c.noop()[0] == "OK"
        print("all well")
        """#

    @Test("imaplib: every command, over STARTTLS and over IMAPS") func imaplib() throws {
        let server = try InteropServer()
        let ports = try [server.port("IMAP_PORT"), server.port("IMAPS_PORT")].map(String.init)
        let result = try server.run("python3", ["-c", Self.imaplib] + ports + [server.authority, InteropServer.password])
        #expect(result.status == 0 && result.output == "all well\n", "\(result.output)")
    }

    @Test("imapclient: folders in Japanese, flags, threads, IDLE, MOVE") func imapclient() throws {
        let server = try InteropServer()
        let result = try server.runPython(
            ["-c", Self.imapclient, "\(try server.port("IMAPS_PORT"))", server.authority, InteropServer.password, "bob"])
        #expect(result.status == 0 && result.output == "all well\n", "\(result.output)")
    }

    @Test("imaplib: a session that compresses reads and writes the same as one that does not") func compresses() throws {
        let server = try InteropServer()
        for message in Awkward.all { try server.deliver(message) }
        let words = ["\(try server.port("IMAPS_PORT"))", server.authority, InteropServer.password, "\(Awkward.all.count)"]
        let result = try server.run("python3", ["-c", Self.compressed] + words)
        #expect(result.status == 0 && result.output == "all well\n", "\(result.output)")
    }
}
