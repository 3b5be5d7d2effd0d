/* The focus moves into a dialog. When the dialog is closed, it returns to the button that opened
   the dialog, or to its drop-down. */
(function () {
  'use strict';

  var OPENERS = '#instance_image_button, [id$="__action_instance_image"],' +
    ' #my_images a, #my_images button, #image_tasks button';
  var opener = null;

  document.addEventListener('click', function (event) {
    opener = event.target.closest(OPENERS) || opener;
  }, true);

  $(document).on('shown.bs.modal', '.modal', function () {
    // Horizon's question does not take the focus: it would stay behind the question.
    if (opener && !this.contains(document.activeElement)) {
      $(this).find('.modal-footer .cancel').first().trigger('focus');
    }
  });

  $(document).on('hidden.bs.modal', '.modal', function () {
    var $opener = $(opener || []);
    if ($(this).hasClass('loading')) {  // the dialog itself comes now
      return;
    }
    if (!$opener.is(':visible')) {
      $opener = $opener.closest('.btn-group').find('.dropdown-toggle');
    }
    $opener.trigger('focus');
    opener = null;
  });
}());
