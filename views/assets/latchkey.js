// Comforts only: every page does its work without this file.
;(function () {
  'use strict'

  function each(selector, act) {
    document.querySelectorAll(selector).forEach(act)
  }

  // Show and hide what is typed into a password field.
  each('[data-reveal]', function (button) {
    var input = document.getElementById(button.dataset.reveal)
    function show(revealed) {
      input.type = revealed ? 'text' : 'password'
      button.toggleAttribute('data-revealed', revealed)
      button.setAttribute('aria-label', revealed ? button.dataset.hide : button.dataset.show)
    }
    button.addEventListener('click', function () {
      show(input.type === 'password')
    })
    // Sent as a password again, or a browser offers it as an ordinary text later.
    input.form.addEventListener('submit', function () {
      show(false)
    })
    button.hidden = false
  })

  // The rules of Cognito's password policy: basic Latin letters, digits, and its own list of symbols.
  function symbol(value) {
    return /[\^$*.[\]{}()?"!@#%&/\\,><':;|_~`=+-]|\S \S/.test(value)
  }
  function test(rule, value, input) {
    if (rule === 'length') return Array.from(value).length >= input.minLength
    if (rule === 'uppercase') return /[A-Z]/.test(value)
    if (rule === 'lowercase') return /[a-z]/.test(value)
    if (rule === 'number') return /[0-9]/.test(value)
    if (rule === 'symbol') return symbol(value)
    return value === value.trim()
  }
  each('[data-rules-for]', function (list) {
    var input = document.getElementById(list.dataset.rulesFor)
    function mark() {
      list.querySelectorAll('[data-rule]').forEach(function (item) {
        var state = item.querySelector('.rule-state')
        if (state === null) {
          state = document.createElement('span')
          state.className = 'rule-state visually-hidden'
          item.append(state)
        }
        var typed = input.value !== ''
        var met = typed && test(item.dataset.rule, input.value, input)
        item.dataset.state = met ? 'met' : 'unmet'
        state.textContent = typed ? ' (' + (met ? list.dataset.met : list.dataset.unmet) + ')' : ''
      })
    }
    input.addEventListener('input', mark)
    mark()
  })

  // Codes are often pasted with blanks, and some keyboards write other digits.
  each('.code-input', function (input) {
    input.addEventListener('input', function (event) {
      if (event.isComposing) return
      var digits = input.value
        .replace(/[٠-٩]/g, function (digit) {
          return String(digit.charCodeAt(0) - 0x0660)
        })
        .replace(/[۰-۹]/g, function (digit) {
          return String(digit.charCodeAt(0) - 0x06f0)
        })
        .replace(/\D/g, '')
      if (digits !== input.value) input.value = digits
    })
  })

  // Count down to the next code. The server enforces the wait; this shows it.
  each('[data-resend-wait]', function (form) {
    var wait = Number(form.dataset.resendWait)
    if (!(wait > 0)) return
    var button = form.querySelector('button')
    var line = form.querySelector('.wait')
    var status = form.querySelector('[data-resend-now]')
    var template = form.querySelector('[data-countdown]')
    var texts = template
      ? Array.from(template.content.children, function (text) {
          return text.textContent
        })
      : []
    var end = performance.now() + wait * 1000
    button.disabled = true
    var timer = setInterval(function () {
      var left = Math.ceil((end - performance.now()) / 1000)
      if (left > 0) {
        var text = texts[texts.length - left]
        if (text !== undefined && text !== line.textContent) line.textContent = text
        return
      }
      clearInterval(timer)
      button.disabled = false
      button.classList.remove('waiting')
      button.removeAttribute('aria-describedby')
      line.remove()
      status.textContent = status.dataset.resendNow
    }, 250)
  })

  // Passkeys. What WebAuthn takes and gives are bytes; older browsers have no JSON forms of their own.
  function bytesOf(text) {
    var binary = atob(text.replace(/-/g, '+').replace(/_/g, '/'))
    return Uint8Array.from(binary, function (letter) {
      return letter.charCodeAt(0)
    })
  }
  function textOf(buffer) {
    var binary = String.fromCharCode.apply(null, new Uint8Array(buffer))
    return btoa(binary).replace(/\+/g, '-').replace(/\//g, '_').replace(/=+$/, '')
  }
  function optionsOf(form) {
    var options = JSON.parse(form.dataset.options)
    options.challenge = bytesOf(options.challenge)
    if (options.user) options.user.id = bytesOf(options.user.id)
    ;(options.allowCredentials || []).concat(options.excludeCredentials || []).forEach(function (each) {
      each.id = bytesOf(each.id)
    })
    return options
  }
  function answerOf(credential) {
    var given = credential.response
    var response = {}
    ;['clientDataJSON', 'attestationObject', 'authenticatorData', 'signature', 'userHandle'].forEach(function (name) {
      if (given[name]) response[name] = textOf(given[name])
    })
    if (given.getTransports) response.transports = given.getTransports()
    return JSON.stringify({
      id: credential.id,
      rawId: textOf(credential.rawId),
      type: credential.type,
      authenticatorAttachment: credential.authenticatorAttachment || undefined,
      clientExtensionResults: {},
      response: response,
    })
  }
  // Authenticators may hide a passkey that is none any more.
  function signal(kind, about) {
    var tell = {
      unknown: PublicKeyCredential.signalUnknownCredential,
      accepted: PublicKeyCredential.signalAllAcceptedCredentials,
    }[kind]
    delete about.kind
    if (tell) tell.call(PublicKeyCredential, about).catch(function () {})
  }
  var hasPasskeys = window.isSecureContext && 'PublicKeyCredential' in window && 'credentials' in navigator
  each('[data-passkey]', function (form) {
    if (!hasPasskeys) return
    var field = form.querySelector('[name="credential"]')
    var status = form.querySelector('[role="status"]')
    var waiting = new AbortController()
    function send(credential) {
      field.value = answerOf(credential)
      form.requestSubmit()
    }
    function ask(more) {
      var request = Object.assign({ publicKey: optionsOf(form) }, more)
      return form.dataset.passkey === 'create'
        ? navigator.credentials.create(request)
        : navigator.credentials.get(request)
    }
    form.addEventListener('submit', function (event) {
      if (field.value !== '') return
      event.preventDefault()
      event.stopImmediatePropagation()
      waiting.abort()
      status.textContent = ''
      ask().then(send, function () {
        status.textContent = status.dataset.failed
      })
    })
    // Gone back to, its answer is used up: the next press asks anew.
    window.addEventListener('pageshow', function () {
      field.value = ''
    })
    if (form.dataset.signal) {
      var about = JSON.parse(form.dataset.signal)
      signal(about.kind, about)
    }
    each('[data-without-passkeys]', function (part) {
      part.hidden = true
    })
    form.hidden = false
    if (!('conditional' in form.dataset) || !PublicKeyCredential.isConditionalMediationAvailable) return
    PublicKeyCredential.isConditionalMediationAvailable().then(function (available) {
      if (available) ask({ mediation: 'conditional', signal: waiting.signal }).then(send, function () {})
    })
  })
  // Whether it is worth offering a passkey after the sign-in.
  each('[data-authenticator]', function (field) {
    if (!hasPasskeys || !PublicKeyCredential.isUserVerifyingPlatformAuthenticatorAvailable) return
    PublicKeyCredential.isUserVerifyingPlatformAuthenticatorAvailable().then(function (available) {
      if (available) field.value = '1'
    })
  })

  // A second press sends nothing, until the first has had its time.
  each('form[method="post"]', function (form) {
    form.addEventListener('submit', function (event) {
      if (form.getAttribute('aria-busy') === 'true') {
        event.preventDefault()
        return
      }
      form.setAttribute('aria-busy', 'true')
      setTimeout(function () {
        form.removeAttribute('aria-busy')
      }, 8000)
    })
  })
  // An answer on its way to the app; without script its button sends it.
  each('form[data-submit-at-once]', function (form) {
    form.requestSubmit()
  })
  window.addEventListener('pageshow', function () {
    each('form[aria-busy]', function (form) {
      form.removeAttribute('aria-busy')
    })
  })

  // The first field that needs another look; after the browser has done its autofocus.
  var invalid = document.querySelector('[aria-invalid="true"]')
  if (invalid !== null && !invalid.autofocus) {
    requestAnimationFrame(function () {
      invalid.focus()
    })
  }

  // The mailbox looks again by itself, except while somebody is reading or moving through it.
  each('[data-refresh-seconds]', function (part) {
    setInterval(
      function () {
        var idle = document.activeElement === document.body && String(getSelection()) === ''
        if (idle && document.visibilityState === 'visible') location.reload()
      },
      Number(part.dataset.refreshSeconds) * 1000,
    )
  })
})()
