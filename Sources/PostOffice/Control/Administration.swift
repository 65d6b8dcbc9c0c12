import ArgumentParser
import Glibc
import Vocabulary

/// The verbs of the administration, and the way of a command to them.
package enum Administration {
    static var handlers: [AdminHandler] {
        OperationHandlers.all + QueueHandlers.all + RouteLoginHandlers.all + BlockedHandlers.all + DropHandlers.all + FilterHandlers.all
            + LookingHandlers.all + AuditHandlers.all + AliasHandlers.all + TransferHandlers.all + BroadcastHandlers.all
            + Self.directoryHandlers
    }

    package static var registry: AdminRegistry { AdminRegistry(Self.handlers) }

    /// Sends the request to the running server, or carries it out here; prints what comes back.
    static func perform(_ request: AdminRequest, _ start: StartConfiguration) -> AdminStatus {
        AdminClient.perform(request, start, Self.registry) { start throws(AdminFailure) in try AdminContext.open(start) }
    }
}
