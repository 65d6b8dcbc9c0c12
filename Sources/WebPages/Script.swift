/// The one script. All of it is convenience: without it every form and every page works the same.
enum Script {
    /// - tables of a form get a button that adds a row;
    /// - a text can be copied (`data-copy`: id of what holds it);
    /// - who leaves a form that he has changed is asked first;
    /// - live parts (`data-live`: address, seconds) are fetched again while the page is visible;
    /// - the first problem gets the focus.
    static let text = """
        (function(){'use strict';
        document.querySelectorAll('[data-rows]').forEach(function(body){
          var button=document.createElement('button');button.type='button';button.className='quiet';button.textContent=body.dataset.rows;
          button.addEventListener('click',function(){
            var last=body.lastElementChild,copy=last.cloneNode(true),number=Number(copy.dataset.row)+1;copy.dataset.row=number;
            copy.querySelectorAll('input').forEach(function(cell){
              cell.name=cell.name.replace(/\\.(\\d+)\\./,'.'+number+'.');cell.id=cell.id.replace(/-(\\d+)-/,'-'+number+'-');cell.value='';
              cell.setAttribute('aria-label',(cell.getAttribute('aria-label')||'').replace(/\\d+/,String(number+1)));
              cell.removeAttribute('aria-invalid');});
            body.appendChild(copy);var first=copy.querySelector('input');if(first)first.focus();});
          body.closest('.wide').after(button);});
        document.querySelectorAll('[data-copy]').forEach(function(button){
          if(!navigator.clipboard){return;}button.hidden=false;
          button.addEventListener('click',function(){var from=document.getElementById(button.dataset.copy);
            if(from)navigator.clipboard.writeText(from.textContent).then(function(){button.setAttribute('aria-pressed','true');});});});
        document.querySelectorAll('form[data-warn]').forEach(function(form){
          var dirty=false;form.addEventListener('input',function(){dirty=true;});form.addEventListener('reset',function(){dirty=false;});
          form.addEventListener('submit',function(){dirty=false;});
          window.addEventListener('beforeunload',function(event){if(dirty){event.preventDefault();}});});
        document.querySelectorAll('[data-live]').forEach(function(part){
          var words=part.dataset.live.split(' '),wait=Math.max(2,Number(words[1])||10)*1000;
          function again(){if(document.hidden){setTimeout(again,wait);return;}
            fetch(words[0],{credentials:'same-origin',headers:{'X-Live':'1'}}).then(function(reply){return reply.ok?reply.text():null;})
            .then(function(text){if(text===null){return;}var page=new DOMParser().parseFromString(text,'text/html'),
              fresh=page.getElementById(part.id);if(fresh){part.replaceChildren.apply(part,Array.from(fresh.childNodes));}setTimeout(again,wait);},
            function(){setTimeout(again,wait*3);});}
          setTimeout(again,wait);});
        var errors=document.getElementById('errors')||document.querySelector('[aria-invalid=true]');if(errors){errors.focus();}
        })();

        """
}
