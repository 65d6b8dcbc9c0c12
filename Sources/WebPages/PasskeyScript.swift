/// The script of pages on which a passkey is made or used: only a script can ask a browser for one. Without it those forms stay hidden, and
/// people go on with passwords and codes.
enum PasskeyScript {
    /// A form `data-passkey` holds what is asked of the device; what it answers goes into the form's hidden fields, and the form is sent like any
    /// other. Elements `data-word` say what happened: `none` until the browser is known to have passkeys, `failed` and `known` when it is refused.
    static let text = """
        (function(){'use strict';
        if(!window.PublicKeyCredential||!navigator.credentials){return;}
        function bytes(text){var raw=atob(text.replace(/-/g,'+').replace(/_/g,'/')),out=new Uint8Array(raw.length),i;
          for(i=0;i<raw.length;i+=1){out[i]=raw.charCodeAt(i);}return out;}
        function text(buffer){var raw='';new Uint8Array(buffer).forEach(function(b){raw+=String.fromCharCode(b);});
          return btoa(raw).replace(/\\+/g,'-').replace(/\\//g,'_').replace(/=+$/,'');}
        function say(form,word){form.querySelectorAll('[data-word]').forEach(function(line){line.hidden=line.dataset.word!==word;});}
        document.querySelectorAll('[data-word=none]').forEach(function(line){line.hidden=true;});
        document.querySelectorAll('form[data-passkey]').forEach(function(form){
          var options=JSON.parse(form.dataset.passkey),isDone=false,isAsking=false;
          options.challenge=bytes(options.challenge);
          if(options.user){options.user.id=bytes(options.user.id);}
          (options.allowCredentials||[]).concat(options.excludeCredentials||[]).forEach(function(one){one.id=bytes(one.id);});
          form.hidden=false;
          function put(name,buffer){form.elements.namedItem(name).value=buffer?text(buffer):'';}
          form.addEventListener('submit',function(event){
            if(isDone){return;}event.preventDefault();if(isAsking){return;}isAsking=true;say(form,'');
            var keys=navigator.credentials,asked=options.user?keys.create({publicKey:options}):keys.get({publicKey:options});
            asked.then(function(made){
              var answer=made.response;put('client-data',answer.clientDataJSON);
              if(options.user){put('attestation',answer.attestationObject);}
              else{put('credential',made.rawId);put('device-data',answer.authenticatorData);put('signature',answer.signature);
                put('user-handle',answer.userHandle);}
              isDone=true;form.submit();
            }).catch(function(error){isAsking=false;say(form,error.name==='InvalidStateError'?'known':'failed');});});});
        })();

        """
}
