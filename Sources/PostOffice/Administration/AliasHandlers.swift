import Directory
import Forms
import Vocabulary

/// `newaliases`: takes the entries of /etc/aliases over as channel aliases. What is there already stays; what cannot be taken over is named.
enum AliasHandlers {
    static var all: [AdminHandler] { [Administration.handler("aliases", Self.takeOver)] }

    private static func takeOver(_ request: AdminRequest, _ context: AdminContext, _ output: AdminOutput) throws -> AdminStatus {
        let configuration = context.directory.configuration
        let domain = configuration.mainDomain.isEmpty ? configuration.hostName : configuration.mainDomain
        let field = RoutingField.channelAliases
        var rows = field.written(configuration.value(field))
        var taken = 0
        var result = AdminStatus.done
        for (name, target) in self.entries(request.input ?? "") {
            guard let target, self.isPlain(target) else {
                output.problem(
                    Localized(en: "\(name): not taken over; only one address can follow", ja: "\(name): 引き継げません。宛先は 1 つのアドレスだけです"))
                continue
            }
            // The postmaster is an account of its own here.
            guard name.lowercased() != "postmaster", name.lowercased() != "mailer-daemon" else { continue }
            let row = "[\(name)@\(domain) \(target.contains("@") ? target : "\(target)@\(domain)")]"
            guard !rows.contains(row), !rows.contains(where: { $0.hasPrefix("[\(name)@\(domain) ") }) else { continue }
            do {
                _ = try context.directory.configure([field.key: try field.parse(rows + [row])], by: request.actor)
                rows.append(row)
                taken += 1
            } catch {
                let why = ErrorWords.text(of: error)
                output.problem(Localized(en: "\(name): not taken over: \(why.english)", ja: "\(name): 引き継げません: \(why.japanese)"))
                result = .failed
            }
        }
        output.line(Localized(en: "\(taken) aliases taken over", ja: "エイリアスを \(taken) 個引き継ぎました"))
        return result
    }

    /// `name: target`, continued by lines that begin with a blank; nil for a target of several addresses.
    static func entries(_ text: String) -> [(name: String, target: String?)] {
        var lines: [String] = []
        for line in text.split(separator: "\n") where !line.hasPrefix("#") {
            if line.first == " " || line.first == "\t", let last = lines.indices.last {
                lines[last] += line
            } else {
                lines.append(String(line))
            }
        }
        return lines.compactMap { line in
            guard let colon = line.firstIndex(of: ":") else { return nil }
            let name = line[..<colon].filter { $0 != " " && $0 != "\t" && $0 != "\"" }
            let targets = line[line.index(after: colon)...].split(separator: ",").map { $0.filter { $0 != " " && $0 != "\t" } }
            return name.isEmpty ? nil : (String(name), targets.count == 1 ? targets[0] : nil)
        }
    }

    /// An address: no program, file or list in a file.
    private static func isPlain(_ target: String) -> Bool {
        !target.isEmpty && !target.hasPrefix("|") && !target.hasPrefix("/") && !target.hasPrefix(":") && !target.hasPrefix("\"")
            && !target.hasPrefix("\\") && !target.contains("[") && !target.contains("]")
    }
}
