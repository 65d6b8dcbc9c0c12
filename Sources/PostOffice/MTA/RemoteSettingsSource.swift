package import Delivery
package import Directory
import Forms
package import Queue
import Text

/// Settings of the way out, as the configuration has them at the moment of asking.
package struct RemoteSettingsSource: Sendable {
    private let directory: Directory

    package init(directory: Directory) { self.directory = directory }

    package var value: RemoteSettings {
        let snapshot = self.directory.snapshot
        let configuration = snapshot.configuration
        var settings = RemoteSettings(helloName: configuration.hostName)
        settings.routes = configuration.routes
        for login in snapshot.routeLogins { settings.logins.set(login.name, login) }
        settings.sources = configuration.sources
        settings.policy = configuration.queue
        settings.callers = QueueCallers(configuration.value(RoutingField.queueUsers).rows)
        settings.responses = configuration.errorResponses
        settings.sendsAnywhere = configuration.sendsAnywhere
        settings.language = configuration.language
        settings.words = configuration.siteWords
        let transport = configuration.transport
        settings.usesDANE = transport.usesDANE && transport.validatesDNS
        settings.usesSTS = transport.usesSTS
        settings.downgradePatience = transport.downgradePatience
        settings.sendsTransportReports = transport.sendsReports
        return settings
    }

    /// Of the connections.
    package var limits: OutboundLimits {
        var limits = OutboundLimits()
        limits.connections = self.directory.configuration.connections.maximumOutgoing
        return limits
    }

    /// This host's own name: an MX that names it leads back.
    package func isOwnName(_ name: String) -> Bool { DomainName.normalized(name) == self.directory.configuration.hostName }
}
