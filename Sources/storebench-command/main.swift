import ArgumentParser
import Glibc
import MessageStore
import Vocabulary

/// Measures the message store alone: acceptance until the answer, and filing until it is in the mailbox.
struct StoreBench: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "storebench",
        abstract: "Measures the message store alone, on an index of any size.",
        discussion: """
            storebench --directory /var/tmp/bench --mailboxes 100000 --index 20000000 --senders 1,10,100 --messages 50000
            The directory is made, and stays when --keep is given.
            """)

    @Option(help: "Where the store is made.") var directory: String
    @Option(help: "Mailboxes, one an account.") var mailboxes: Int64 = 1000
    @Option(help: "Messages that are in the index before.") var index: Int64 = 0
    @Option(help: "Senders at a time, separated by commas.") var senders = "1,10,100"
    @Option(help: "Messages of a run.") var messages = 20_000
    @Option(help: "Bytes of a body.") var size = 1024
    @Option(help: "Recipients of a message.") var recipients = 1
    @Option(help: "Quota of every account in bytes; 0 for none.") var quota: Int64 = 0
    @Option(help: "Deliveries filed in one transaction.") var batch = StoreOptions().foldBatch
    @Option(help: "Pages in the log of mail.db that make it checkpoint.") var checkpoint = StoreOptions().checkpointPages
    @Option(help: "Queue entries for other hosts to be made, 1,000 a message, and nothing else: see docs/performance.md.") var queue = 0
    @Flag(help: "With --queue: measures what pages ask of it. Alone: of the queue that --keep left.") var queueLook = false
    @Option(help: "Next hops of these entries: q0.test, q1.test, ….") var hops = 10_000
    @Option(help: "Seconds from now until they are due, spread over as long again.") var due: Int64 = 3600
    @Flag(help: "Measures what IMAP asks of the store on INBOX of the first account, and nothing else.") var folder = false
    @Option(help: "With --folder: messages whose flags are changed.") var flags = 10_000
    @Flag(help: "Leave the directory.") var keep = false

    func run() throws {
        let location = StoreLocation(spool: self.directory + "/spool", mailbox: self.directory + "/mailbox")
        var options = StoreOptions()
        options.minimumFree = 1 << 30
        options.foldBatch = self.batch
        options.checkpointPages = self.checkpoint
        let isNew = access(location.mailDatabase, F_OK) != 0
        if isNew {
            try MessageStore.open(location, options).close()
            if self.index > 0 {
                let start = nanoseconds()
                try Prefill.fill(location, mailboxes: self.mailboxes, messages: self.index, first: 1)
                print("index of \(self.index) messages in \(self.mailboxes) mailboxes made in \((nanoseconds() - start) / 1_000_000_000) s")
            }
        }
        defer { if !self.keep { _ = system("rm -rf '\(self.directory)/spool' '\(self.directory)/mailbox'") } }
        let store = try MessageStore.open(location, options)
        defer { store.close() }
        if self.queue > 0 { try QueueFill(entries: self.queue, hops: self.hops, due: self.due).fill(store) }
        if self.queueLook { try QueueLook(store: store).run() }
        if self.queue > 0 || self.queueLook { return }
        if self.folder { return try FolderBench(store: store, some: self.flags).run() }
        for count in self.senders.split(separator: ",").compactMap({ Int($0) }) {
            let plan = Submitters.Plan(
                senders: count, messages: self.messages, size: self.size, recipients: self.recipients, accounts: self.mailboxes,
                firstAccount: 1,
                quota: self.quota > 0 ? self.quota : nil)
            let outcome = Submitters(store, plan).run()
            let (middle, late, last) = outcome.latencies.summary
            print(
                "\(count) senders: \(Int(outcome.accepted)) accepted/s, \(Int(outcome.filed)) filed/s, p50 \(middle) ms, p99 \(late) ms, "
                    + "longest \(last) ms, CPU \(Int(outcome.processor / Double(self.messages) * 1e6)) us a message, \(outcome.failures) failures"
            )
        }
    }
}

StoreBench.main()
