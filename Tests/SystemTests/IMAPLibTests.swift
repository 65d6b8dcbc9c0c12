import MailTesting
import Testing

/// Python's imaplib, which nobody here wrote, over TLS: what a simple mail program does from its first login on.
@Suite(.serialized) struct IMAPLibTests {
    private func python(_ server: InteropServer, _ script: String) throws -> String {
        let head = """
            import imaplib, socket, ssl, sys, zlib
            context = ssl.create_default_context(cafile="\(server.authority)")
            def login():
                client = imaplib.IMAP4_SSL("localhost", \(try server.port("IMAPS_PORT")), ssl_context=context)
                client.login("bob", "\(InteropServer.password)")
                return client

            """
        let result = try server.run("python3", ["-c", head + script])
        #expect(result.status == 0, "\(result.output)")
        return result.output
    }

    @Test("imaplib: folders, append, fetch byte for byte, flags, search, copy, expunge") func session() throws {
        let server = try InteropServer()
        for message in Awkward.all { try server.deliver(message) }
        let output = try self.python(
            server,
            """
            c = login()
            names = sorted(line.decode().split(' "/" ')[1] for line in c.list()[1])
            print("folders", " ".join(names))
            print("inbox", c.select("INBOX")[1][0].decode())
            text = b"Subject: appended\\r\\nFrom: bob@example.test\\r\\n\\r\\nhello\\r\\n"
            print("append", c.append("Drafts", "(\\\\Draft \\\\Seen)", None, text)[0])
            c.select("Drafts")
            kind, data = c.fetch("1", "(FLAGS RFC822.SIZE BODY.PEEK[])")
            print("same", data[0][1] == text, b"RFC822.SIZE %d" % len(text) in data[0][0], b"\\\\Draft" in data[0][0] + data[1])
            print("search", c.search(None, "SUBJECT", "appended")[1][0].decode(), c.search(None, "BODY", "nothing")[1][0].decode())
            print("copy", c.copy("1", "Archive")[0])
            c.store("1", "+FLAGS", "\\\\Deleted")
            print("expunge", c.expunge()[1][0].decode())
            print("status", c.status("Archive", "(MESSAGES)")[1][0].decode())
            c.create("日本".encode("utf-16-be") and "&ZeVnLA-")
            print("japanese", c.list('""', "&ZeVnLA-")[1][0].decode())
            print("delete", c.delete("&ZeVnLA-")[0])
            print("quit", c.logout()[0])
            """)
        #expect(
            output == """
                folders Archive Drafts INBOX Junk Sent Trash
                inbox \(Awkward.all.count)
                append OK
                same True True True
                search 1\u{20}
                copy OK
                expunge 1
                status Archive (MESSAGES 1)
                japanese (\\HasNoChildren) "/" &ZeVnLA-
                delete OK
                quit BYE

                """)
    }

    @Test("A session that compresses reads and writes the same, and STARTTLS comes before a login") func layers() throws {
        let server = try InteropServer()
        for message in Awkward.all { try server.deliver(message) }
        let output = try self.python(
            server,
            """
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
                    while b"\\n" not in self.buffer: self.fill()
                    line, self.buffer = self.buffer.split(b"\\n", 1)
                    return line + b"\\n"
                def read(self, size):
                    while len(self.buffer) < size: self.fill()
                    data, self.buffer = self.buffer[:size], self.buffer[size:]
                    return data
                def close(self): pass
            file = File(c.sock)
            c.file = c._file = file
            c.readline, c.read = file.readline, file.read
            c.send = lambda data: c.sock.sendall(pack.compress(data) + pack.flush(zlib.Z_SYNC_FLUSH))
            print("same", whole(c) == plain, len(plain))
            print("noop", c.noop()[0])
            s = imaplib.IMAP4("localhost", \(try server.port("IMAP_PORT")))
            s.starttls(context)
            s.login("bob", "\(InteropServer.password)")
            print("starttls", s.select("INBOX")[1][0].decode())
            """)
        #expect(output == "same True \(2 * Awkward.all.count)\nnoop OK\nstarttls \(Awkward.all.count)\n")
    }
}
