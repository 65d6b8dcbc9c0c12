import Glibc
import MailTesting
import Testing

/// `postoffice-deliver` by itself, as a hostile mta would talk to it.
@Suite(.serialized, .enabled(if: geteuid() == 0 && Networks.isPossible)) struct DeliverHelperTests {
    @Test(
        "must-have 31, 149: the helper takes nothing but its three requests, from ordinary users, in under 400 lines that stand beside the product"
    )
    func theHelperRefusesEverythingElse() throws {
        let world = try DeliverWorld()
        world.place.write("attack.py", Self.attack)
        let helper = try ChildProcess.buildDirectory() + "/postoffice-deliver"
        let attack = ["/usr/bin/python3", world.place("attack.py"), helper]
        // As root, and with no more of it than the unit for systemd leaves, with what stands beside it for this helper.
        let rights = try Self.unitsCapabilities().map { ",+\($0)" }.joined()
        for before in [[], ["/usr/bin/setpriv", "--no-new-privs", "--bounding-set=-all\(rights)"]] {
            let result = try world.inside(before + attack, seconds: 120)
            #expect(result.status == 0 && result.output.hasSuffix("all is well\n"), "\(before) \(result.output)")
        }
        // With blank lines and comments, and none so long that it would be two.
        let folder = Self.root + "/Sources/postoffice-deliver/"
        var lines = 0
        for name in directoryEntries(folder) {
            let text = ChildProcess.text(of: folder + name)
            #expect(text.utf8.count { $0 == 10 } > 3 && text.split(separator: "\n").allSatisfy { $0.utf8.count <= 140 }, "\(name)")
            lines += text.utf8.count { $0 == 10 }
        }
        #expect((300..<400).contains(lines), "\(lines) lines of C")
        let linked = try world.inside(["/usr/bin/ldd", helper]).output
        let own = linked.split(separator: "\n").filter { line in
            !["libpam.", "libc.", "libaudit.", "libcap-ng.", "linux-vdso", "ld-linux"].contains { line.contains($0) }
        }
        #expect(own.isEmpty, "\(linked)")
    }

    private static func unitsCapabilities() throws -> [String] {
        let unit = Self.root + "/Packaging/systemd/post.office.service"
        let found = [unit, unit + ".d/system-delivery.conf"].map { path in
            ChildProcess.text(of: path).split(separator: "\n").filter { $0.hasPrefix("CapabilityBoundingSet=") }.flatMap {
                $0.dropFirst("CapabilityBoundingSet=".count).split(separator: " ").map { $0.dropFirst(4).lowercased() }
            }
        }
        #expect(found.allSatisfy { !$0.isEmpty })
        return Array(found.joined())
    }

    private static var root: String { #filePath.split(separator: "/").dropLast(3).reduce("") { "\($0)/\($1)" } }

    private static let attack = #"""
        import os, random, socket, struct, subprocess, sys, time

        def start(maildrops, programs, passwords, service=65534):
            ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            process = subprocess.Popen([sys.argv[1], str(its.fileno()), str(service), maildrops, programs, passwords], pass_fds=[its.fileno()])
            its.close()
            return process, ours

        def packet(kind, user, arguments=(), facts=(), time=20, cpu=10, memory=256, file=16, processes=256, output=1000, magic=0x31444F50, extra=b""):
            body = b""
            for text in [user, *arguments, *facts]:
                text = text if isinstance(text, bytes) else text.encode()
                body += struct.pack("<I", len(text)) + text + b"\0"
            body += extra
            return struct.pack("<11I", magic, kind, 44 + len(body), len(arguments), len(facts), time, cpu, memory, file, processes, output) + body

        def ask(where, data, message=b"From a\n\nx\n\n", descriptors=None):
            near, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            near.settimeout(60)
            given = [far.fileno()]
            file = None
            if message is not None:
                file = os.memfd_create("message"); os.write(file, message); given.append(file)
            socket.send_fds(where, [data], given if descriptors is None else descriptors(given))
            far.close()
            if file is not None: os.close(file)
            got = near.recv(65536)
            near.close()
            if not got: return None
            magic, result, code, length = struct.unpack("<4I", got[:16])
            assert magic == 0x31444F50 and length == len(got) - 16
            return result, code, got[16:].decode()

        programs = "/etc/post.office.programs"
        with open(programs + "/probe", "w") as file: file.write("#!/bin/sh\nid -u; exit 0\n")
        os.chmod(programs + "/probe", 0o755)
        process, where = start("/var/mail", programs, "yes")

        # What is to work does.
        assert ask(where, packet(1, "ann"))[0] == 0
        assert ask(where, packet(2, "ann", ["probe"])) == (0, 0, "4001\n")
        assert ask(where, packet(3, "ann", ["system secret"]), None)[0] == 0
        assert ask(where, packet(3, "ann", ["wrong"]), None)[0] == 2

        # Nobody but ordinary users, in each request.
        for user in ["root", "daemon", "mail", "nobody", "nosuch"]:
            for data, message in [(packet(1, user), b"x"), (packet(2, user, ["probe"]), b"x"), (packet(3, user, ["x"]), None)]:
                assert ask(where, data, message)[0] == 2, user
        assert not os.path.exists("/var/mail/root")

        # No other paths, names, facts, counts, kinds, lengths.
        bad = [b"", b"x", b"\0" * 44, packet(0, "ann"), packet(4, "ann"), packet(1, "ann", magic=0x32444F50), packet(1, "ann", extra=b"x"),
               packet(1, "ann", ["x"]), packet(1, "../etc/shadow"), packet(1, "ann/x"), packet(1, ""), packet(1, "-x"), packet(1, ".x"), packet(1, "a" * 33),
               packet(2, "ann"), packet(2, "ann", ["/bin/sh", "-c", "id"]), packet(2, "ann", ["../probe"]), packet(2, "ann", ["."]), packet(2, "ann", [""]),
               packet(2, "ann", ["probe"], ["LD_PRELOAD=/tmp/x"]), packet(2, "ann", ["probe"], ["PATH=/tmp"]), packet(2, "ann", ["probe"], ["HOME=/"]),
               packet(2, "ann", ["probe"], ["SENDER"]), packet(2, "ann", [b"probe", b"a\0b"]), packet(2, "ann", ["probe"] + ["x"] * 40),
               packet(2, "ann", ["probe"], ["SENDER=x"] * 17), packet(2, "ann", ["probe"], time=0), packet(2, "ann", ["probe"], time=3601),
               packet(2, "ann", ["probe"], cpu=0), packet(2, "ann", ["probe"], processes=0), packet(2, "ann", ["probe"], output=1 << 20),
               packet(3, "ann"), packet(3, "ann", ["a", "b"]), packet(3, "ann", ["x" * 1025]), packet(3, "ann", ["x"], ["SENDER=x"])]
        for data in bad:
            if data: assert ask(where, data)[0] == 2, data
        whole = packet(2, "ann", ["probe", "argument"], ["SENDER=a@b"])
        for cut in range(1, len(whole)): assert ask(where, whole[:cut])[0] == 2, cut
        random.seed(1)
        for _ in range(500):
            data = bytearray(whole)
            for _ in range(random.randint(1, 4)): data[random.randrange(44)] = random.randrange(256)
            ask(where, bytes(data))

        # Descriptors: none, too many, a directory, a pipe.
        ask_without = packet(1, "ann")
        socket.send_fds(where, [ask_without], [])
        for given in [lambda l: l[:1], lambda l: l + [0], lambda l: [l[0], os.open("/", os.O_RDONLY)], lambda l: [l[0], os.pipe()[0]]]:
            assert ask(where, packet(1, "ann"), descriptors=given)[0] == 2
        assert ask(where, packet(3, "ann", ["x"]))[0] == 2, "a password comes without a message"

        # What was not asked for at its start is not served.
        other, narrow = start("-", "-", "-")
        for data, message in [(packet(1, "ann"), b"x"), (packet(2, "ann", ["probe"]), b"x"), (packet(3, "ann", ["x"]), None)]:
            assert ask(narrow, data, message) == (2, 0, "not served here")
        narrow.close()
        assert other.wait(20) == 0, "it ends with its socket"

        # The service's own user is not one to be acted as.
        other, third = start("/var/mail", programs, "yes", 4001)
        assert ask(third, packet(2, "ann", ["probe"]))[0] == 2
        third.close()
        other.wait(20)

        # Nobody waits for the answer: the program is ended.
        with open(programs + "/long", "w") as file: file.write("#!/bin/sh\nsetsid sleep 75319 &\nsleep 75319\n")
        os.chmod(programs + "/long", 0o755)
        near, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        message = os.memfd_create("message")
        socket.send_fds(where, [packet(2, "ann", ["long"], time=300)], [far.fileno(), message])
        far.close()
        def running(): return subprocess.run(["pgrep", "-u", "4001", "-c", "sleep"], capture_output=True, text=True).stdout.strip()
        def wait(until):
            for _ in range(600):
                if until(): return
                time.sleep(0.1)
            raise Exception("in vain")
        wait(lambda: running() == "2")
        near.close()
        wait(lambda: running() == "0")

        # A user who makes it wait cannot stop the process that waits in his name, and keep it.
        lock = os.open("/var/mail/ann.lock", os.O_CREAT | os.O_EXCL | os.O_WRONLY)
        near, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        socket.send_fds(where, [packet(1, "ann")], [far.fileno(), message])
        far.close()
        def below(pid): return subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True).stdout.split()
        def children(): return [child for listener in below(process.pid) for child in below(listener)]
        def effective():
            try: return [line.split()[2] for child in children() for line in open("/proc/%s/status" % child) if line.startswith("Uid:")]
            except FileNotFoundError: return []
        wait(lambda: "4001" in effective())
        stop = subprocess.run(["setpriv", "--reuid=4001", "--regid=4001", "--clear-groups", "sh", "-c", "kill -STOP " + " ".join(children())], capture_output=True, text=True)
        assert stop.returncode != 0 and "not permitted" in stop.stderr, stop
        os.close(lock)
        os.unlink("/var/mail/ann.lock")
        assert near.recv(100)[4:8] == b"\0\0\0\0"
        near.close()

        # Many at a time.
        pairs = []
        for _ in range(100):
            near, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            socket.send_fds(where, [packet(2, "ann", ["probe"])], [far.fileno(), message])
            far.close()
            pairs.append(near)
        for near in pairs: assert near.recv(1000)[16:] == b"4001\n"
        where.close()
        assert process.wait(60) == 0
        print("all is well")
        """#
}
