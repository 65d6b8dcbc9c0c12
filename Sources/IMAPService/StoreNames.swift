internal import MessageStore

// Both the store and the protocol have words for what a mailbox is for and what is noted on it. Here are the store's.
typealias StoredUse = SpecialUse
typealias StoredEntry = MetadataEntry
