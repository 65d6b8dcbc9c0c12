/// Messages as no program should write them, and as some do.
enum NastyMessages {
    static let all: [String] = [
        "", "\r\n", "\n", "\r", "no header at all", "Subject: no end", "Subject", ":\r\n\r\n", " leading blank: x\r\n\r\nbody",
        "Subject: a\r\n b\r\n\tc\r\nFrom: x\r\nno field\r\nbody\r\n",
        "Content-Type: multipart/mixed; boundary=\"\"\r\n\r\n--\r\n\r\nx\r\n----\r\n",
        "Content-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\n--a\r\n--a\r\n--a--\r\n--a\r\n",
        "Content-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\nContent-Type: multipart/mixed; boundary=ab\r\n\r\n--ab\r\n\r\nx\r\n--a--\r\n",
        "Content-Type: multipart/digest; boundary=a\r\n\r\n--a\r\n\r\nSubject: x\r\n\r\ny\r\n--a\r\n\r\nno header\r\n--a--\r\n",
        "Content-Type: message/rfc822\r\n\r\nContent-Type: message/rfc822\r\n\r\nContent-Type: message/rfc822\r\n\r\n",
        "Content-Type: message/rfc822\r\n\r\nContent-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\nContent-Type: message/global\r\n\r\nSubject: 会議\r\n\r\n--a--",
        "Content-Type: text/plain; charset=\"x\\\"y\"; name=\"a\r\n b\"; =; ;; x; y=; *=1; z*=; w*0*=x; w*1=%\r\n\r\n",
        "Content-Type: \"quoted/type\"; x=y\r\nContent-Disposition: ;;; filename=\"会議\u{7F}\\\r\nContent-Language: ,,ja,,\r\nContent-ID:\r\n\r\n",
        "Content-Type: 会/議; 名=値\r\nContent-Transfer-Encoding: x-会議\r\n\r\nbody",
        "From: \"\\\0\" <a\0b@c\0>\r\nTo: a:b:c;;d:;\r\nCc: <<<>>>,,,;\r\nBcc: ((((((((((\r\nReply-To: \"\r\nSender: \\\r\nSubject: \0\r\n\r\n",
        "Subject: =?UTF-8?B?gICA?= =?x?q?y?= =?ISO-2022-JP?B?GyRC?= =?UTF-8?Q?=00=0D=0A?=\r\n\r\n",
        "Date: (((( 99 Foo 99999 99:99:99 +9999\r\nDate: Mon, 31 Feb 2026 25:61:61 -9999\r\nMessage-ID: <<<\r\nReferences: <> < > <a <b> c>\r\n\r\n",
        String(repeating: "Content-Type: message/rfc822\r\n\r\n", count: 100),
        (0..<60).map { "Content-Type: multipart/mixed; boundary=b\($0)\r\n\r\n--b\($0)\r\n" }.joined(),
        "Content-Type: multipart/mixed; boundary=a\r\n\r\n" + String(repeating: "--a\r\n\r\n\r\n", count: 1200),
        "To: " + String(repeating: "a@b.test,", count: 3000) + "\r\n\r\n",
        "To: " + String(repeating: "g:", count: 3000) + "\r\n\r\n",
        "Subject: " + String(repeating: "[", count: 5000) + String(repeating: "re:", count: 2000) + "\r\n\r\n",
        "Subject: " + String(repeating: "[fwd: ", count: 1000) + String(repeating: "]", count: 1000) + "\r\n\r\n",
        "Content-Type: text/html\r\n\r\n<" + String(repeating: "a", count: 300) + String(repeating: "&#x", count: 100) + "<!--",
    ]
}
