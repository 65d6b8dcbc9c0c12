package import Database

/// Tables of `directory.db`. Values are canonical texts of Forms; a field that says nothing has no row.
package enum DirectorySchema {
    package static let schema = Schema(
        applicationID: 0x504F_4449,  // "PODI"
        steps: [
            """
            -- AUTOINCREMENT: an id is given once, also when the newest account is deleted.
            CREATE TABLE account(
                id INTEGER PRIMARY KEY AUTOINCREMENT,
                created INTEGER NOT NULL,
                changed INTEGER NOT NULL,
                verifier TEXT,
                password_version INTEGER NOT NULL DEFAULT 0,
                password_changed INTEGER
            ) STRICT;
            CREATE TABLE address(
                key TEXT PRIMARY KEY,
                account INTEGER NOT NULL,
                position INTEGER NOT NULL,
                typed TEXT NOT NULL
            ) STRICT, WITHOUT ROWID;
            CREATE INDEX address_of_account ON address(account, position);
            CREATE TABLE login(
                key TEXT PRIMARY KEY,
                account INTEGER NOT NULL UNIQUE,
                typed TEXT NOT NULL
            ) STRICT, WITHOUT ROWID;
            CREATE TABLE account_value(
                account INTEGER NOT NULL,
                field TEXT NOT NULL,
                value TEXT NOT NULL,
                PRIMARY KEY(account, field)
            ) STRICT, WITHOUT ROWID;
            CREATE TABLE domain(name TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
            CREATE TABLE setting(field TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
            CREATE TABLE meta(name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
            CREATE TABLE secret(name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID;
            CREATE TABLE revision(
                id INTEGER PRIMARY KEY AUTOINCREMENT,
                time INTEGER NOT NULL,
                actor TEXT NOT NULL,
                interface TEXT NOT NULL,
                note TEXT NOT NULL
            ) STRICT;
            -- account 0 is the configuration. Sets are kept as entries taken away (old) and added (new).
            CREATE TABLE change(
                revision INTEGER NOT NULL,
                account INTEGER NOT NULL,
                field TEXT NOT NULL,
                old TEXT,
                new TEXT,
                PRIMARY KEY(revision, account, field)
            ) STRICT, WITHOUT ROWID;
            """,
            """
            -- Accounts that are deleted here and whose mail may still be there: written with the deletion, gone when the mail is.
            CREATE TABLE removal(account INTEGER PRIMARY KEY, time INTEGER NOT NULL) STRICT;
            """,
            """
            -- Passwords for one device or program. The tag is the part by which a password that is typed finds its row.
            CREATE TABLE app_password(
                id INTEGER PRIMARY KEY AUTOINCREMENT,
                account INTEGER NOT NULL,
                tag TEXT NOT NULL,
                verifier TEXT NOT NULL,
                label TEXT NOT NULL,
                services TEXT NOT NULL,
                last_day INTEGER,
                created INTEGER NOT NULL,
                last_used INTEGER,
                UNIQUE(account, tag)
            ) STRICT;
            """,
            """
            -- Logins on the web. What a session's token says is checked by its MAC; the row is what can be listed and ended.
            CREATE TABLE web_session(
                id INTEGER PRIMARY KEY AUTOINCREMENT,
                account INTEGER NOT NULL,
                postmaster INTEGER NOT NULL,
                started INTEGER NOT NULL,
                last_used INTEGER NOT NULL,
                ended INTEGER,
                client TEXT NOT NULL,
                agent TEXT NOT NULL
            ) STRICT;
            CREATE INDEX web_session_of_account ON web_session(account, id);
            CREATE INDEX web_session_by_use ON web_session(last_used);
            CREATE TABLE second_factor(
                account INTEGER PRIMARY KEY,
                key BLOB NOT NULL,
                last_step INTEGER NOT NULL,
                recovery_codes TEXT NOT NULL
            ) STRICT;
            """,
            """
            -- The address that a change came from; empty for one of this host.
            ALTER TABLE revision ADD COLUMN origin TEXT NOT NULL DEFAULT '';
            -- Keys of the API. The tag finds the row, the hash proves the rest; the key itself is nowhere.
            CREATE TABLE api_token(
                id INTEGER PRIMARY KEY AUTOINCREMENT,
                tag TEXT NOT NULL UNIQUE,
                hash BLOB NOT NULL,
                label TEXT NOT NULL,
                scopes TEXT NOT NULL,
                created INTEGER NOT NULL,
                created_by TEXT NOT NULL,
                last_day INTEGER,
                last_used INTEGER
            ) STRICT;
            """,
            """
            -- Who logged in where: a line for each service, place and means, with its first and last time. An empty refusal: was let in.
            CREATE TABLE login_record(
                account INTEGER NOT NULL,
                service TEXT NOT NULL,
                network TEXT NOT NULL,
                method TEXT NOT NULL,
                app_password INTEGER NOT NULL,
                refusal TEXT NOT NULL,
                label TEXT NOT NULL,
                client TEXT NOT NULL,
                tls INTEGER NOT NULL,
                first INTEGER NOT NULL,
                last INTEGER NOT NULL,
                count INTEGER NOT NULL,
                PRIMARY KEY(account, service, network, method, app_password, refusal)
            ) STRICT, WITHOUT ROWID;
            """,
            """
            -- Passkeys: public keys of people's devices, each for one name of the web.
            -- In second_factor a key without bytes stands for somebody who has passkeys and recovery codes, and no codes of a telephone.
            CREATE TABLE passkey(
                id INTEGER PRIMARY KEY AUTOINCREMENT,
                account INTEGER NOT NULL,
                credential BLOB NOT NULL UNIQUE,
                key BLOB NOT NULL,
                host TEXT NOT NULL,
                label TEXT NOT NULL,
                sign_count INTEGER NOT NULL,
                backup_eligible INTEGER NOT NULL,
                backed_up INTEGER NOT NULL,
                created INTEGER NOT NULL,
                last_used INTEGER
            ) STRICT;
            CREATE INDEX passkey_of_account ON passkey(account, id);
            """,
        ])

    // MARK: Accounts

    static let insertAccount = Statement(
        "INSERT INTO account(created, changed, verifier, password_version, password_changed) VALUES(?1, ?1, ?2, ?3, ?4)")
    static let touchAccount = Statement("UPDATE account SET changed = ?2 WHERE id = ?1")
    static let setPassword = Statement(
        "UPDATE account SET verifier = ?2, password_version = ?3, password_changed = ?4, changed = ?4 WHERE id = ?1")
    static let deleteAccount = Statement("DELETE FROM account WHERE id = ?1")
    static let account = Statement(
        "SELECT created, changed, verifier IS NOT NULL, password_version, password_changed FROM account WHERE id = ?1")
    static let accounts = Statement("SELECT id, password_version FROM account WHERE id > ?1 ORDER BY id")
    static let accountPage = Statement("SELECT id FROM account WHERE id > ?1 ORDER BY id LIMIT ?2")
    static let accountCount = Statement("SELECT count(*) FROM account")
    static let verifier = Statement("SELECT verifier, password_version FROM account WHERE id = ?1")

    static let insertAppPassword = Statement(
        "INSERT INTO app_password(account, tag, verifier, label, services, last_day, created) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)")
    static let appPassword = Statement("SELECT id, verifier, last_used FROM app_password WHERE account = ?1 AND tag = ?2")
    static let appPasswords = Statement(
        "SELECT id, label, services, last_day, created, last_used FROM app_password WHERE account = ?1 ORDER BY id")
    static let allAppPasswords = Statement("SELECT account, id, services, last_day FROM app_password ORDER BY account")
    static let deleteAppPassword = Statement("DELETE FROM app_password WHERE account = ?1 AND id = ?2")
    static let deleteAppPasswords = Statement("DELETE FROM app_password WHERE account = ?1")
    static let useAppPassword = Statement(
        "UPDATE app_password SET last_used = ?2 WHERE id = ?1 AND (last_used IS NULL OR last_used < ?2 - ?3)")

    static let insertWebSession = Statement(
        "INSERT INTO web_session(account, postmaster, started, last_used, client, agent) VALUES(?1, ?2, ?3, ?3, ?4, ?5)")
    static let useWebSession = Statement("UPDATE web_session SET last_used = ?2 WHERE id = ?1 AND last_used < ?2")
    static let endWebSession = Statement("UPDATE web_session SET ended = ?2 WHERE id = ?1 AND ended IS NULL")
    static let forgetWebSessions = Statement("DELETE FROM web_session WHERE last_used < ?1")
    static let webSessions = Statement(
        """
        SELECT id, account, postmaster, started, last_used, ended, client, agent FROM web_session
        WHERE account BETWEEN ?1 AND ?2 ORDER BY id DESC LIMIT ?3
        """)
    static let deleteWebSessions = Statement("DELETE FROM web_session WHERE account = ?1")
    static let secondFactor = Statement("SELECT key, last_step, recovery_codes FROM second_factor WHERE account = ?1")
    static let insertSecondFactor = Statement(
        "INSERT INTO second_factor(account, key, last_step, recovery_codes) VALUES(?1, ?2, ?3, ?4)")
    static let setRecoveryCodes = Statement("UPDATE second_factor SET recovery_codes = ?2 WHERE account = ?1")
    static let deleteSecondFactor = Statement("DELETE FROM second_factor WHERE account = ?1")

    /// Of an account that is there still: a login may be written after its deletion.
    static let addLogin = Statement(
        """
        INSERT INTO login_record(account, service, network, method, app_password, refusal, label, client, tls, first, last, count)
        SELECT ?1, ?2, ?3, ?4, ?5, ?6, coalesce((SELECT label FROM app_password WHERE id = ?5), ''), ?7, ?8, ?9, ?10, ?11
        WHERE EXISTS (SELECT 1 FROM account WHERE id = ?1)
        ON CONFLICT(account, service, network, method, app_password, refusal) DO UPDATE
        SET client = excluded.client, tls = excluded.tls, last = excluded.last, count = login_record.count + excluded.count
        """)
    static let logins = Statement(
        """
        SELECT service, method, label, refusal, client, tls, first, last, count FROM login_record
        WHERE account = ?1 ORDER BY last DESC, service, network, method, app_password, refusal
        """)
    static let loginCount = Statement("SELECT count(*) FROM login_record WHERE account = ?1")
    static let trimAcceptedLogins = Statement(Self.trimmingLogins("= ''"))
    static let trimRefusedLogins = Statement(Self.trimmingLogins("<> ''"))
    static let deleteLogins = Statement("DELETE FROM login_record WHERE account = ?1")

    /// All but the newest ?2 go.
    private static func trimmingLogins(_ kind: String) -> String {
        """
        DELETE FROM login_record WHERE account = ?1 AND (service, network, method, app_password, refusal) IN (
            SELECT service, network, method, app_password, refusal FROM login_record
            WHERE account = ?1 AND refusal \(kind) ORDER BY last DESC, network LIMIT 100000 OFFSET ?2)
        """
    }

    private static let passkeyColumns =
        "id, account, credential, key, host, label, sign_count, backup_eligible, backed_up, created, last_used"
    static let insertPasskey = Statement(
        """
        INSERT INTO passkey(account, credential, key, host, label, sign_count, backup_eligible, backed_up, created)
        VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
        """)
    static let passkeys = Statement("SELECT \(Self.passkeyColumns) FROM passkey WHERE account = ?1 ORDER BY id")
    static let passkey = Statement("SELECT \(Self.passkeyColumns) FROM passkey WHERE credential = ?1")
    static let passkeyCount = Statement("SELECT count(*) FROM passkey WHERE account = ?1")
    /// A count that somebody else has written meanwhile is not gone behind.
    static let usePasskey = Statement(
        """
        UPDATE passkey SET sign_count = ?2, backed_up = ?3, last_used = ?4
        WHERE id = ?1 AND (sign_count < ?2 OR (sign_count = 0 AND ?2 = 0))
        """)
    static let deletePasskey = Statement("DELETE FROM passkey WHERE account = ?1 AND id = ?2")
    static let deletePasskeys = Statement("DELETE FROM passkey WHERE account = ?1")

    static let insertRemoval = Statement("INSERT OR IGNORE INTO removal(account, time) VALUES(?1, ?2)")
    static let removals = Statement("SELECT account FROM removal ORDER BY account")
    static let deleteRemoval = Statement("DELETE FROM removal WHERE account = ?1")

    static let insertAddress = Statement("INSERT INTO address(key, account, position, typed) VALUES(?1, ?2, ?3, ?4)")
    static let deleteAddresses = Statement("DELETE FROM address WHERE account = ?1")
    static let addresses = Statement("SELECT key, typed FROM address WHERE account = ?1 ORDER BY position")
    static let allAddresses = Statement(
        "SELECT account, key, typed FROM address INDEXED BY address_of_account WHERE account > ?1 ORDER BY account, position")
    static let addressCount = Statement("SELECT count(*) FROM address WHERE substr(key, -length(?1) - 1) = '@' || ?1")
    static let addressOwner = Statement("SELECT account FROM address WHERE key = ?1")

    static let insertLogin = Statement("INSERT INTO login(key, account, typed) VALUES(?1, ?2, ?3)")
    static let deleteLogin = Statement("DELETE FROM login WHERE account = ?1")
    static let login = Statement("SELECT key, typed FROM login WHERE account = ?1")
    static let allLogins = Statement("SELECT account, key, typed FROM login")
    static let loginOwner = Statement("SELECT account FROM login WHERE key = ?1")

    static let setValue = Statement("INSERT OR REPLACE INTO account_value(account, field, value) VALUES(?1, ?2, ?3)")
    static let deleteValue = Statement("DELETE FROM account_value WHERE account = ?1 AND field = ?2")
    static let deleteValues = Statement("DELETE FROM account_value WHERE account = ?1")
    static let values = Statement("SELECT field, value FROM account_value WHERE account = ?1")
    static let accountsWithValue = Statement("SELECT account FROM account_value WHERE field = ?1 AND value = ?2 ORDER BY account")
    static let allValues = Statement("SELECT account, field, value FROM account_value ORDER BY account")

    // MARK: Configuration

    static let insertDomain = Statement("INSERT OR IGNORE INTO domain(name) VALUES(?1)")
    static let deleteDomain = Statement("DELETE FROM domain WHERE name = ?1")
    static let domains = Statement("SELECT name FROM domain ORDER BY name")
    static let setSetting = Statement("INSERT OR REPLACE INTO setting(field, value) VALUES(?1, ?2)")
    static let deleteSetting = Statement("DELETE FROM setting WHERE field = ?1")
    static let settings = Statement("SELECT field, value FROM setting")

    static let setMeta = Statement("INSERT OR REPLACE INTO meta(name, value) VALUES(?1, ?2)")
    static let meta = Statement("SELECT value FROM meta WHERE name = ?1")

    static let insertSecret = Statement("INSERT OR IGNORE INTO secret(name, value) VALUES(?1, ?2)")
    static let secret = Statement("SELECT value FROM secret WHERE name = ?1")

    static let putSecret = Statement("INSERT OR REPLACE INTO secret(name, value) VALUES(?1, ?2)")
    static let deleteSecret = Statement("DELETE FROM secret WHERE name = ?1")
    static let routePasswords = Statement("SELECT name, value FROM secret WHERE name LIKE 'route-login %'")

    // MARK: Keys of the API

    static let insertToken = Statement(
        "INSERT INTO api_token(tag, hash, label, scopes, created, created_by, last_day) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)")
    static let token = Statement("SELECT id, hash, label, scopes, last_day, last_used FROM api_token WHERE tag = ?1")
    static let tokens = Statement(
        "SELECT id, tag, label, scopes, created, created_by, last_day, last_used FROM api_token ORDER BY id")
    static let deleteToken = Statement("DELETE FROM api_token WHERE id = ?1")
    static let useToken = Statement("UPDATE api_token SET last_used = ?2 WHERE id = ?1")

    // MARK: History

    static let insertRevision = Statement("INSERT INTO revision(time, actor, interface, note, origin) VALUES(?1, ?2, ?3, ?4, ?5)")
    static let insertChange = Statement("INSERT INTO change(revision, account, field, old, new) VALUES(?1, ?2, ?3, ?4, ?5)")
    static let revisions = Statement(
        """
        SELECT id, time, actor, interface, note, origin FROM revision
        WHERE id < ?1 AND EXISTS (SELECT 1 FROM change WHERE revision = revision.id AND account = ?2) ORDER BY id DESC LIMIT ?3
        """)
    /// Of a revision all that it changed, whatever it is about; with the first address of an account that is there.
    static let allRevisions = Statement(
        "SELECT id, time, actor, interface, note, origin FROM revision WHERE id < ?1 AND id > ?2 ORDER BY id DESC LIMIT ?3")
    static let allChanges = Statement(
        """
        SELECT c.account, c.field, c.old, c.new, (SELECT typed FROM address WHERE account = c.account AND position = 0)
        FROM change c WHERE c.revision = ?1 ORDER BY c.account, c.field LIMIT ?2
        """)
    static let greatestRevision = Statement("SELECT max(id) FROM revision")
    static let changes = Statement("SELECT field, old, new FROM change WHERE revision = ?1 AND account = ?2 ORDER BY field")
    static let revisionsSince = Statement(
        "SELECT DISTINCT revision FROM change WHERE revision > ?1 AND account = 0 ORDER BY revision DESC")
    static let deletedAccount = Statement(
        "SELECT account FROM change WHERE field = 'account' AND old = ?1 AND new IS NULL ORDER BY revision DESC LIMIT 1")
    static let revision = Statement("SELECT time FROM revision WHERE id = ?1")
}
