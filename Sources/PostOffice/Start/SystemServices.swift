package import Directory

extension StartConfiguration.SystemServices {
    package var services: Set<SystemDelivery.Service> {
        var found: Set<SystemDelivery.Service> = []
        if self.maildrops != nil { found.insert(.maildrops) }
        if self.programs != nil { found.insert(.programs) }
        if self.passwords { found.insert(.passwords) }
        return found
    }

    /// Lines of the start file.
    package var text: String {
        var out = "system-delivery:\n"
        if let maildrops { out += "  maildrops: \(SetupPlan.quoted(maildrops))\n" }
        if let programs { out += "  programs: \(SetupPlan.quoted(programs))\n" }
        return out + "  passwords: \(self.passwords ? "yes" : "no")\n"
    }
}
