package import Vocabulary

/// What the dispatcher remembers of crashes. Twice the same content: blamed for as long as the dispatcher lives.
/// Twice the same peer: shut out for `shutOutSeconds`; a peer that was only reading, four times. A pure value.
package struct CrashHistory: Sendable {
    package static let shutOutSeconds: UInt64 = 600
    /// Crashes longer ago than this are not counted against a peer.
    static let memorySeconds: UInt64 = 3600
    /// Entries of either kind; the oldest are forgotten.
    static let capacity = 1000

    private var contents: [(content: ContentHash, crashes: Int)] = []
    private var peers: [(peer: IPAddress, last: UInt64, points: Int, until: UInt64)] = []

    package init() {}

    /// Content that was in hand at two crashes, oldest first.
    package var blamedContents: [ContentHash] { self.contents.filter { $0.crashes >= 2 }.map(\.content) }

    package func shutOut(_ now: UInt64) -> [(peer: IPAddress, until: UInt64)] {
        self.peers.filter { $0.until > now }.map { ($0.peer, $0.until) }
    }

    /// Takes the notes of a dead mta. Returns those that are to blame.
    ///
    /// A trap marks the slot of its thread, so that slot alone is to blame. Of a silent mta, those are that have had the same thing in
    /// hand for as long as it was silent. Who was killed from outside (SIGKILL, SIGTERM) had nobody to blame.
    package mutating func record(
        _ notes: [SharedMemory.Note], _ end: MTAEnd, silentFor silence: UInt64?, now: UInt64
    ) -> [SharedMemory.Note] {
        var guilty = notes.filter { $0.crashed != 0 && !(silence != nil && $0.crashed == Self.abort) }
        if let silence, guilty.isEmpty { guilty = notes.filter { $0.since + silence <= now + 2 } }
        // The address of this machine stands for everybody on it, webmail and proxies too: it is never shut out.
        for note in guilty {
            if let content = note.content { self.count(content) }
            // Who reads a message did not write it: it is the message's fault first.
            let isReader = note.content != nil && Self.readersWork.contains(note.work)
            if let peer = note.peer, !peer.isLoopback { self.count(peer, isReader ? 1 : 2, now) }
        }
        return guilty
    }

    private static let abort: UInt64 = 6
    private static let readersWork = [
        ContentWork.reading.rawValue, ContentWork.passing.rawValue, ContentWork.sending.rawValue,
    ]

    private mutating func count(_ content: ContentHash) {
        if let index = self.contents.firstIndex(where: { $0.content == content }) {
            self.contents[index].crashes += 1
        } else {
            self.contents.append((content, 1))
        }
        if self.contents.count > Self.capacity { self.contents.removeFirst() }
    }

    /// Points that shut a peer out: two crashes, or four while it was only reading.
    private static let outPoints = 4

    private mutating func count(_ peer: IPAddress, _ points: Int, _ now: UInt64) {
        if let index = self.peers.firstIndex(where: { $0.peer == peer }) {
            let isRecent = self.peers[index].last + Self.memorySeconds > now
            self.peers[index].points = isRecent ? self.peers[index].points + points : points
            self.peers[index].last = now
            if self.peers[index].points >= Self.outPoints { self.peers[index].until = now + Self.shutOutSeconds }
        } else {
            self.peers.append((peer, now, points, 0))
        }
        if self.peers.count > Self.capacity { self.peers.removeFirst() }
    }
}
