internal import IMAPWire

// Both the store and the protocol have words for what happens in a mailbox. Here are the protocol's.
typealias ToldChanges = MailboxChanges
typealias Rights = MailboxRights
typealias WireUse = SpecialUse
typealias WireEntry = MetadataEntry
