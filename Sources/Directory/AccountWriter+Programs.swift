internal import Forms
internal import Vocabulary

extension AccountWriter {
    /// Programs are those that the postmaster allows, and run as somebody. Asked where something of it changes: an account whose program is
    /// not allowed any more can be changed in other ways.
    func checkPrograms(_ input: AccountInput, _ merged: [FieldKey: FieldValue]) throws {
        let fields = [DeliveryField.programDelivery, DeliveryField.programs, DeliveryField.programAccount]
        guard fields.contains(where: { input.values[$0.key] != nil }), merged[DeliveryField.programDelivery.key]?.flag == true else {
            return
        }
        let allowed = self.snapshot.configuration.programs.allowed
        var problems: [FieldProblem] = []
        if merged[DeliveryField.programAccount.key] == nil {
            problems.append(
                DeliveryField.programAccount.problem(
                    Localized("name the user as whom the programs run", "プログラムを実行するユーザを指定してください")))
        }
        for line in AccountRecord.lines(merged[DeliveryField.programs.key]?.text ?? "") {
            do throws(CommandWords.Fault) {
                let words = try CommandWords.split(line)
                guard let name = words.first, !allowed.contains(name) else { continue }
                problems.append(
                    DeliveryField.programs.problem(
                        Localized(
                            "\(name) is not allowed; the postmaster allows programs in allowed-programs",
                            "\(name) は許可されていません。ポストマスタが allowed-programs で許可する必要があります")))
            } catch {
                problems.append(DeliveryField.programs.problem(error.text(line)))
            }
        }
        guard problems.isEmpty else { throw DirectoryError(problems) }
    }
}
