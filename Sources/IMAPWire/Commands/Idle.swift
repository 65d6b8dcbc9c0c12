internal import Bytes
internal import NIOCore
internal import Vocabulary

// IDLE. [RFC9051-6.3.13] [RFC2177-3]
extension IMAPRule {
    static let idle: [IMAPRule] = [
        IMAPRule(name: "IDLE", states: .loggedIn, feature: .idle, readsChanges: true) { machine, arguments, out throws(GrammarFault) in
            try arguments.expectEnd()
            machine.ask(.watch(.idle(true)), .watching(.idleBegins), &out)
        }
    ]
}

extension IMAPMachine {
    mutating func watched(_ watching: Work.Watching, _ lines: ByteBuffer, _ out: inout Output) {
        switch watching {
        case .idleBegins:
            out.replies.writeStaticString("+ ")
            out.replies.writeStaticString(IMAPPhrase.idling.text(self.language))
            out.replies.writeStaticString("\r\n")
            self.quiet = .zero
            // What happened before is told soon, [RFC2177-3] but not in one write with the line above: Thunderbird reads on from its socket
            // alone then, and what it has read already waits until something else comes.
            self.isIdleFresh = true
            self.phase = .idling
        case .idleEnds(let isDone):
            // Anything but DONE ends it too: the client has lost its way.
            if isDone { self.finish(.ok(), &out) } else { self.bad(.expectedDone, &out) }
        case .notify(let state):
            self.pass(lines, &out)
            self.notifyIsSet(state, &out)
        }
    }

    // RFC 9051 9:  idle = "IDLE" CRLF "DONE"
    mutating func takeDone(_ input: inout ByteBuffer, _ out: inout Output) -> Bool {
        guard let line = self.plainLine(&input, limit: self.settings.limits.lineBeforeLogin, &out) else { return false }
        guard case .idling = self.phase, !self.leavesClosedAccount(&out) else { return true }
        let isDone = equalIgnoringASCIICase(line, "DONE".utf8)
        self.ask(.watch(.idle(false)), .watching(.idleEnds(isDone: isDone)), &out)
        return true
    }

    var idleDeadline: TimeAmount {
        let limits = self.settings.limits
        return min(self.isIdleFresh ? limits.idleStart : limits.idleNotice, limits.inactivity)
    }

    /// Tells what has happened before IDLE began.
    mutating func lookFirst(_ out: inout Output) {
        self.isIdleFresh = false
        self.readChanges(.idling, &out)
        self.extendDeadline(&out)
        self.settle(&out)
    }

    /// A word now and then, until the peer has been silent for as long as it may be.
    mutating func keepIdling(_ out: inout Output) -> Bool {
        let notice = self.idleDeadline
        self.quiet = self.quiet + notice
        guard self.quiet < self.settings.limits.inactivity else { return false }
        out.replies.writeStaticString("* OK ")
        out.replies.writeStaticString(IMAPPhrase.stillHere.text(self.language))
        out.replies.writeStaticString("\r\n")
        out.setDeadline(notice)
        return true
    }
}
