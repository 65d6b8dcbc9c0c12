import ArgumentParser
import Glibc
import Vocabulary

struct CertCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cert",
        abstract: "Certificates for TLS: make, request, install, show. A running server takes them without restart.",
        discussion: """
            Examples:
              postoffice cert show
              postoffice cert self-signed
              postoffice cert request --name mail.example.com > mail.csr
              postoffice cert install --chain mail.pem
              postoffice cert install --chain fullchain.pem --key privkey.pem
              postoffice cert install --name shop --chain shop.pem --key shop.key    a further one, chosen by server name
            """,
        subcommands: [SelfSigned.self, Request.self, Install.self, Show.self])

    struct SelfSigned: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "self-signed", abstract: "Make a new key and a certificate that it signed itself.",
            discussion: "Example:\n  postoffice cert self-signed --name mail.example.com --name example.com")

        @OptionGroup var common: CommonOptions

        @Option(name: .long, help: ArgumentHelp("Host name; may be repeated. Default: this host and its domain.", valueName: "host"))
        var name: [String] = []

        func run() throws {
            let options = self.name.isEmpty ? [:] : ["name": self.name]
            let request = AdminRequest("cert self-signed", options: options, language: self.common.language)
            throw ExitCode(Administration.perform(request, try self.common.start()).rawValue)
        }
    }

    struct Request: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "request", abstract: "Make a signing request for an authority, on standard output. The key stays here.",
            discussion: "Example:\n  postoffice cert request --name mail.example.com --organization 'Example Ltd' > mail.csr")

        @OptionGroup var common: CommonOptions

        @Option(name: .long, help: ArgumentHelp("Host name; may be repeated. Default: this host and its domain.", valueName: "host"))
        var name: [String] = []

        @Option(name: .long, help: "Name of the organization.")
        var organization: String?

        func run() throws {
            var options = self.name.isEmpty ? [:] : ["name": self.name]
            if let organization { options["organization"] = [organization] }
            let request = AdminRequest("cert request", options: options, language: self.common.language)
            throw ExitCode(Administration.perform(request, try self.common.start()).rawValue)
        }
    }

    struct Install: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "install", abstract: "Install a certificate that an authority issued.",
            discussion: "Example:\n  postoffice cert install --chain fullchain.pem --key privkey.pem")

        @OptionGroup var common: CommonOptions

        @Option(name: .long, help: ArgumentHelp("PEM file: the server's certificate first, then intermediate ones.", valueName: "file"))
        var chain: String

        @Option(name: .long, help: ArgumentHelp("PEM file of the key. Default: the key of `cert request`.", valueName: "file"))
        var key: String?

        @Option(
            name: .long, help: ArgumentHelp("Name of a further pair, for other server names. Default: the main one.", valueName: "name"))
        var name: String?

        func run() throws {
            var options: [String: [String]] = [:]
            if let key { options["key"] = [try self.read(key)] }
            if let name { options["name"] = [name] }
            let request = AdminRequest(
                "cert install", options: options, input: try self.read(self.chain), language: self.common.language)
            throw ExitCode(Administration.perform(request, try self.common.start()).rawValue)
        }

        private func read(_ path: String) throws -> String {
            do {
                return String(decoding: try FileAccess.contents(of: path, limit: 1 << 20), as: UTF8.self)
            } catch {
                throw self.common.exit(.failed, error.description)
            }
        }
    }

    struct Show: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "show", abstract: "Names, end and fingerprint of each certificate.",
            discussion: "Example:\n  postoffice cert show --json")

        @OptionGroup var common: CommonOptions
        @OptionGroup var listing: ListingOptions

        func run() throws {
            let request = AdminRequest("cert show", language: self.common.language, wantsJSON: self.listing.json)
            throw ExitCode(Administration.perform(request, try self.common.start()).rawValue)
        }
    }
}
