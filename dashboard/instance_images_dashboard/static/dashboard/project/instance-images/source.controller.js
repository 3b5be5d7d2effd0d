/*
 * Licensed under the Apache License, Version 2.0 (the "License"); you may
 * not use this file except in compliance with the License. You may obtain
 * a copy of the License at
 *
 *    http://www.apache.org/licenses/LICENSE-2.0
 *
 * Unless required by applicable law or agreed to in writing, software
 * distributed under the License is distributed on an "AS IS" BASIS, WITHOUT
 * WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied. See the
 * License for the specific language governing permissions and limitations
 * under the License.
 */
(function () {
  'use strict';

  angular
    .module('horizon.dashboard.project.instance-images')
    .controller('InstanceImagesSourceController', SourceController);

  SourceController.$inject = [
    '$controller',
    '$log',
    '$scope',
    'horizon.dashboard.project.instance-images.images',
    'horizon.dashboard.project.instance-images.wizard',
    'horizon.framework.widgets.transfer-table.events'
  ];

  /**
   * Horizon's controller of the wizard's step *Source*, with one more boot source.
   */
  function SourceController($controller, $log, $scope, imagesService, wizard, tableEvents) {
    var ctrl = $controller(wizard.original, {$scope: $scope});
    var model = $scope.model;
    var chooseSource = ctrl.updateBootSourceSelection;

    if (!wizard.isTold || !chooseSource || !ctrl.selection || !model.allowedBootSources) {
      $log.warn('My Images is not among the boot sources: Horizon\'s step has changed.');
      return ctrl;
    }

    var option = {type: 'snapshot', label: gettext('My Images'), isMyImages: true};
    var answered = null;  // the images of the API
    var shown = [];       // the same as Glance describes them, which the wizard needs
    var isOffered = false;
    var isChosen = false;
    var selected = [];
    var changes = 0;
    var taken = 0;

    ctrl.updateBootSourceSelection = onChoice;

    // Horizon's watchers were made first: these see what those have done in the same digest.
    $scope.$watch(isReady, offer);
    $scope.$watchCollection(function () { return ctrl.selection; }, keepSelected);
    $scope.$watch(timesTakenAway, chooseAgain);
    $scope.$watch(function () { return changes; }, refreshTable);

    imagesService.available().then(function (images) { answered = images; }, angular.noop);

    return ctrl;

    function isOurs() {
      return model.newInstanceSpec.source_type === option;
    }

    // Horizon adds the sources when it has the images of Glance; rows once shown stay as they are.
    function isReady() {
      return answered && model.allowedBootSources.some(function (source) {
        return source.type === 'image' || source.type === 'snapshot';
      });
    }

    function offer(isTime) {
      if (!isTime || isOffered) {
        return;
      }
      isOffered = true;
      describe();
      model.allowedBootSources.push(option);
      var wanted = $scope.launchContext && $scope.launchContext.imageId;
      var isOtherSelected = ctrl.selection.some(function (image) { return image.id !== wanted; });
      selected = shown.filter(function (image) { return image.id === wanted; });
      isChosen = selected.length === 1 && !isOtherSelected;
    }

    // The user has chosen a source.
    function onChoice(type, preSelection) {
      isChosen = isOurs();
      selected = [];
      ctrl.selection.length = 0;
      chooseSource(type, preSelection);
      show();
    }

    function show() {
      if (isOurs()) {
        angular.extend(ctrl.tableData, {available: shown, displayedAvailable: shown});
      }
      // After Horizon's own watcher, which has yet to see that the source has changed.
      $scope.$evalAsync(function () { changes += 1; });
    }

    // Horizon chooses a source, and its own list, whenever another one is added: at times twice
    // in a digest, so that each time has a number of its own.
    function timesTakenAway() {
      var isTaken = isChosen && !(isOurs() && ctrl.tableData.available === shown);
      return isTaken ? taken += 1 : 0;
    }

    function chooseAgain(isNeeded) {
      if (isNeeded) {
        model.newInstanceSpec.source_type = option;
        chooseSource(option.type);
        ctrl.selection.length = 0;
        [].push.apply(ctrl.selection, selected);
        show();
      }
    }

    function keepSelected(selection) {
      if (isOurs()) {
        selected = selection.slice();
      }
    }

    function refreshTable() {
      $scope.$broadcast(tableEvents.TABLES_CHANGED, {data: ctrl.tableData});
    }

    function describe() {
      var known = {};
      model.images.concat(model.imageSnapshots).forEach(function (image) {
        known[image.id] = image;
      });
      answered.forEach(function (image) {
        shown.push(known[image.id] || image);
      });
    }
  }

})();
