package import Policy
internal import Synchronization
internal import Vocabulary

/// The access rules of one listener; a configuration change swaps them under running traffic.
package final class AccessRules: Sendable {
    private struct Lists {
        var allow: AccessList
        var deny: AccessList
        var blocked: AccessList
        var except: AccessList
    }
    private let lists: Mutex<Lists>

    package init(allow: AccessList = AccessList(), deny: AccessList = AccessList()) {
        self.lists = Mutex(Lists(allow: allow, deny: deny, blocked: AccessList(), except: AccessList()))
    }

    /// `except` takes peers out of `blocked`.
    package func replace(
        allow: AccessList, deny: AccessList, blocked: AccessList = AccessList(), except: AccessList = AccessList()
    ) {
        self.lists.withLock { $0 = Lists(allow: allow, deny: deny, blocked: blocked, except: except) }
    }

    func verdict(_ peer: IPAddress, _ name: HostNameFact) -> AccessVerdict {
        let lists = self.lists.withLock { $0 }
        return AccessVerdict.decide(peer, name, allow: lists.allow, deny: lists.deny, blocked: lists.blocked, except: lists.except)
    }
}
