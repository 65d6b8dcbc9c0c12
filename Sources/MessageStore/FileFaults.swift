/// Fails chosen file operations, for tests: the place where a disk that is full or broken is played.
package struct FileFaults: Sendable {
    package enum Operation: Sendable, Hashable { case create, write, sync, syncDirectory, truncate, unlink, allocate, read }

    /// Asked before each operation with the file's path; an errno makes it fail, nil lets it go on.
    package let decide: @Sendable (Operation, String) -> Int32?

    package init(_ decide: @escaping @Sendable (Operation, String) -> Int32?) { self.decide = decide }
}
