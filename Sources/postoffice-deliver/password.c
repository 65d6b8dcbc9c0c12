// Asks PAM whether a password is the user's. Stays root, without what root could do beyond reading and noting passwords.
#include "deliver.h"
#include <linux/capability.h>
#include <security/pam_appl.h>

// All numbers below 32: the first half of the kernel's sets.
#define CAN(name) (1U << CAP_##name)
static const uint32_t needed =
    CAN(DAC_OVERRIDE) | CAN(DAC_READ_SEARCH) | CAN(SETUID) | CAN(SETGID) | CAN(CHOWN) | CAN(FOWNER) | CAN(AUDIT_WRITE);

static int converse(int count, const struct pam_message **asked, struct pam_response **out, void *password) {
    struct pam_response *said = calloc((size_t)count, sizeof *said);
    if (said == NULL) return PAM_BUF_ERR;
    for (int i = 0; i < count; i++)  // what is asked without echo is the password; other questions get no answer
        if (asked[i]->msg_style == PAM_PROMPT_ECHO_OFF) said[i].resp = strdup(password);
    *out = said;
    return PAM_SUCCESS;
}

// Whose answer comes later is known to exist: the delay is the mta's, the same for every name.
static void no_delay(int result, unsigned microseconds, void *data) { (void)result, (void)microseconds, (void)data; }

void check_password(const request *r, struct passwd *who, int to) {
    limit(RLIMIT_AS, 512 << 20), limit(RLIMIT_CPU, 20);
    struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct had[2], kept[2] = {{0}};
    if (syscall(SYS_capget, &head, had) != 0) _exit(TEMPORARY);
    kept[0].effective = kept[0].permitted = had[0].permitted & needed;
    if (syscall(SYS_capset, &head, kept) != 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) _exit(TEMPORARY);
    pam_handle_t *pam = NULL;
    if (pam_start("post.office", who->pw_name, &(struct pam_conv){converse, r->argument[0]}, &pam) != PAM_SUCCESS)
        fail(to, NOT_NOW, "PAM cannot be used", 0);
    pam_set_item(pam, PAM_FAIL_DELAY, (const void *)no_delay);
    int code = pam_authenticate(pam, PAM_SILENT | PAM_DISALLOW_NULL_AUTHTOK);
    if (code == PAM_SUCCESS) code = pam_acct_mgmt(pam, PAM_SILENT | PAM_DISALLOW_NULL_AUTHTOK);
    pam_end(pam, code);
    int is_trouble = code == PAM_AUTHINFO_UNAVAIL || code == PAM_SYSTEM_ERR || code == PAM_BUF_ERR || code == PAM_ABORT;
    answer(to, code == PAM_SUCCESS ? DONE : is_trouble ? NOT_NOW : NEVER, (uint32_t)code, "", 0);
}
